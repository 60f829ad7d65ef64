--- Tokens of other issuers: HS256, made of what the specs have.
local core = require "neap.core"
local json = require "neap.json"

local M = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local function base64url(bytes)
  local out = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    for k = 0, c and 3 or b and 2 or 1 do
      local digit = n >> (18 - 6 * k) & 63
      out[#out + 1] = ALPHABET:sub(digit + 1, digit + 1)
    end
  end
  return table.concat(out)
end

-- RFC 2104, for keys of up to 64 bytes.
local function hmac(key, text)
  local function pad(with)
    return (key .. ("\0"):rep(64 - #key)):gsub(".", function(c) return string.char(c:byte() ~ with) end)
  end
  return core.sha256(pad(0x5c) .. core.sha256(pad(0x36) .. text))
end

---@param claims table
---@param secret string at most 64 bytes
---@return string
function M.hs256(claims, secret)
  local input = base64url '{"alg":"HS256","typ":"JWT"}' .. "." .. base64url(json.encode(claims))
  return input .. "." .. base64url(hmac(secret, input))
end

return M

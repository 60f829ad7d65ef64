--- Authorities and server certificates for one run, made by the openssl command.
local sys = require "neap.core.os"

local M = {}

local function openssl(...)
  local code, _, problem = sys.exec { "openssl", ... }
  assert(code == 0, problem)
end

local KEY = { "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes" }

local function request(...)
  local words = { "req", table.unpack(KEY) }
  openssl(table.unpack(table.move({ ... }, 1, select("#", ...), #words + 1, words)))
end

--- An authority: FOLDER/NAME.crt and FOLDER/NAME.key.
---@return string path of the certificate
function M.authority(folder, name)
  local base = ("%s/%s"):format(folder, name)
  request("-x509", "-days", "2", "-subj", "/CN=" .. name, "-keyout", base .. ".key", "-out", base .. ".crt")
  return base .. ".crt"
end

--- A certificate for a host's name, signed by an authority of that folder.
---@return string certificate, string key  paths
function M.server(folder, authority, host)
  local base, signer = ("%s/%s"):format(folder, host), ("%s/%s"):format(folder, authority)
  request("-subj", "/CN=" .. host, "-keyout", base .. ".key", "-out", base .. ".csr")
  assert(sys.write_file(base .. ".ext", "subjectAltName=DNS:" .. host .. "\n"))
  openssl("x509", "-req", "-days", "2", "-in", base .. ".csr", "-CA", signer .. ".crt", "-CAkey", signer .. ".key",
    "-CAcreateserial", "-extfile", base .. ".ext", "-out", base .. ".crt")
  return base .. ".crt", base .. ".key"
end

return M

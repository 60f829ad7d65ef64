--- Behind a real nginx, as docs/deploy.md puts one in front.
local core = require "neap.core"
local edges = require "spec.support.edges"
local scratch = require "spec.support.scratch"
local sys = require "neap.core.os"
local test = require "neap.test"
local wire = require "spec.support.wire"

local PROGRAM = "/usr/sbin/nginx"

if not sys.stat(PROGRAM) then
  pending "nginx is not here (tools/deps.sh test installs it)"
  return
end

-- It calls from 127.0.0.3, so that on one machine a proxy and a client can be told apart.
local CONFIG = [[
daemon off; worker_processes 1; pid %s/pid; error_log %s/error.log; user root;
events {}
http {
  access_log off;
  client_body_temp_path %s/body; proxy_temp_path %s/proxy; fastcgi_temp_path %s/f; uwsgi_temp_path %s/u; scgi_temp_path %s/s;
  server {
    listen 127.0.0.1:%d;
    location = /metrics { proxy_pass http://127.0.0.1:%d; }
    location / {
      proxy_pass http://127.0.0.1:%d;
      proxy_bind 127.0.0.3;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
]]

local server, nginx, folder, front

local function free_port()
  local listener = assert(sys.listen(0))
  local port = listener.port
  listener:close()
  return port
end

setup(function()
  server = test.spawn_server {
    dir = core.app_dir .. "/spec/fixtures/limits",
    env = { WORKERS = "1", TRUSTED_PROXIES = "127.0.0.3", ENVIRONMENT = "production" },
  }
  folder = scratch.folder()
  front = { port = free_port() }
  local f = folder
  scratch.write(f .. "/nginx.conf", CONFIG:format(f, f, f, f, f, f, f, front.port, server.port, server.port))
  nginx = assert(sys.spawn {
    PROGRAM, "-p", folder, "-c", folder .. "/nginx.conf", stdin = "null", stdout = "null", stderr = "null",
  })
  assert.is_true(edges.eventually(function()
    return (sys.tcp("127.0.0.1", front.port))
  end), sys.read_file(folder .. "/error.log"))
end)

teardown(function()
  nginx:kill "TERM"
  nginx:wait(10)
  server:stop()
  scratch.remove(folder)
end)

local function ask(line, ...)
  return wire.exchange(front, wire.request(line, { ... }))
end

describe("behind nginx", function()
  it("a handler knows the client, whatever the client says of itself", function()
    assert.same({ ip = "127.0.0.1", network = "127.0.0.1", scheme = "http" }, ask("GET /free").json)
    local res = ask("GET /free", "X-Forwarded-For: 203.0.113.7", "Forwarded: for=203.0.113.8", "X-Forwarded-Proto: https")
    assert.same({ ip = "127.0.0.1", network = "127.0.0.1", scheme = "http" }, res.json)
    assert.is_nil(res.headers["strict-transport-security"])
  end)

  it("twenty addresses that the client makes up are one client", function()
    local found = {}
    for i = 1, 20 do
      found[i] = ask("GET /ip", ("X-Forwarded-For: 203.0.113.%d"):format(i), ("X-Real-IP: 203.0.113.%d"):format(i)).status
    end
    assert.equal("200 200 200" .. (" 429"):rep(17), table.concat(found, " "))
  end)

  it("nobody reads the metrics, though the proxy was told nothing of callers and speaks from this machine", function()
    assert.equal(403, ask("GET /metrics").status)
  end)

  it("who calls past the proxy is not believed", function()
    local res = wire.exchange(server, wire.request("GET /free", { "X-Forwarded-For: 203.0.113.7" }))
    assert.equal("127.0.0.1", res.json.ip)
  end)
end)

--- What an application requires: `local neap = require "neap"`.
local M = {
  app = require("neap.app").new,
  router = require("neap.router").new,
  response = require "neap.response",
  store = require "neap.store",
  machine = require "neap.machine",
}

return M

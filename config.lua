--- The settings of Workbench, typed. They come from the environment and from `.env`; each NAME may also be given as
--- NAME_FILE, the path of a file that holds the value. The server's own settings (HOST, PORT, DATABASE_URL, SECRET_KEY ...)
--- are declared by the framework; `.env.example` lists them all.
local settings = require "neap.settings"

return settings.define {
  PROJECT_NAME = settings.string {
    default = "Live Interactive Agent",
    alias = "APP_NAME",
    help = "the name in / and /version",
  },
  API_TITLE = settings.string {
    default = function(get)
      return get "PROJECT_NAME" .. " API"
    end,
    help = "the title of the API",
  },
  APP_VERSION = settings.string { default = "0.1.0", help = "the version in / and /version" },
  API_V1_PREFIX = settings.string { default = "/api/v1", help = "where the routes of version 1 begin" },
  DATABASE_URL = settings.required,
  READY_WITHOUT_REDIS = settings.boolean {
    default = false,
    help = "whether /health/ready is 200 while Redis is away",
  },
  EXTERNAL_USERS = settings.enum {
    "create", "refuse",
    default = "create",
    help = "what becomes of somebody new with a token of another issuer",
  },
  LABS_MAX_LIVE = settings.integer { default = 5, min = 1, help = "how many labs a user may have at a time" },
  SSE_STREAMS_MAX = settings.integer {
    default = 100,
    min = 1,
    help = "how many event streams a user may have in a worker at a time",
  },

  -- The providers for a laptop take their time.
  LOCAL_SANDBOX_DELAY = settings.duration { default = 1, help = "a local sandbox runs after this" },
  LOCAL_GIT_DELAY = settings.duration { default = 0.2, help = "a local git operation takes this" },
  LOCAL_LAB_DELAY = settings.duration { default = 2, help = "a local lab is ready after this" },

  -- All or none of a group's variables; FEATURES=livekit,e2b makes those groups required.
  livekit = settings.group {
    LIVEKIT_URL = settings.url { help = "LiveKit: the server" },
    LIVEKIT_API_KEY = settings.string { help = "LiveKit: the key's name" },
    LIVEKIT_API_SECRET = settings.secret { help = "LiveKit: the key's secret" },
  },
  e2b = settings.group { E2B_API_KEY = settings.secret { help = "E2B: sandboxes" } },
  github = settings.group { GITHUB_TOKEN = settings.secret { help = "GitHub: pull requests" } },
  openai = settings.group { OPENAI_API_KEY = settings.secret { help = "OpenAI" } },
  gemini = settings.group { GEMINI_API_KEY = settings.secret { help = "Gemini" } },
  mcp = settings.group {
    MCP_HOST = settings.string { help = "MCP: the server's host" },
    MCP_PORT = settings.port { min = 1, help = "MCP: the server's port" },
  },
}

--- Who really makes sandboxes, works in their repositories and provides labs. Job handlers know these interfaces alone:
---
---     sandbox.create { key, repo_url, branch_name } -> provider_ref    waits until it runs
---     sandbox.destroy { key, provider_ref }                             waits until it is gone
---     git.run { key, operation_type, provider_ref, repo_url, branch_name } -> { commit_sha = ... }
---     lab.provision { key, recipe_id, intent }                           waits until it is ready
---     lab.finish { key }
---
--- Each call carries a key and may come again with it after a crash: the second one finds what the first one did. A call
--- returns nil and a reason when there is no use in trying again, and raises when there is.
local M = {
  sandbox = require "app.providers.sandbox",
  git = require "app.providers.git",
  lab = require "app.providers.lab",
}

return M

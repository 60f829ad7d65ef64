std = "lua54"
max_line_length = false -- tools/lint.sh looks at all files alike
-- A handler takes its request whether it looks at it or not.
ignore = { "212" }
files["spec"] = { std = "+busted" }

#!/bin/sh
# What limits cost and whether they hold: bench/limits.sh [build/neap]. Three figures: how many of 100,000 requests over two
# workers a limit of 50,000 lets pass; what a million clients cost in memory; the instructions that a limit adds to a request.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
neap=$(realpath "${1:-build/neap}")
app=$here/../spec/fixtures/limits
port=${BENCH_PORT:-8092} ready=/free
. "$here/server.sh"

export HOST=127.0.0.1 PORT="$port" ENVIRONMENT=production ACCESS_LOG=off SECRET_KEY=0123456789abcdef0123456789abcdef

# 20 connections, so that both workers have some.
exactness() {
    start "$neap" serve "$app"
    clients=
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        curl -s -o "$work/null" -w '%{http_code}\n' "http://127.0.0.1:$port/many?[1-5000]" >"$work/codes.$i" &
        clients="$clients $!"
    done
    for client in $clients; do
        wait "$client"
    done
    stop
    cat "$work"/codes.* | sort | uniq -c | awk '{ n[$2] = $1; sum += $1 }
        END { printf "of %d requests over two workers a limit of 50,000 let %d pass and refused %d\n", sum, n[200], n[429] }'
}

# Kilobytes of the workers: their own, and what they share.
memory() {
    cat "/proc/$server/task/$server/children" | tr ' ' '\n' | while read -r pid; do
        [ -z "$pid" ] || awk '/^RssAnon|^RssShmem/ { printf "%s %s\n", $1, $2 }' "/proc/$pid/status"
    done | awk '{ n[$1] = $1 == "RssShmem:" && n[$1] > $2 ? n[$1] : n[$1] + ($1 == "RssShmem:" ? $2 - n[$1] : $2) }
        END { printf "%d kB of their own, %d kB shared", n["RssAnon:"], n["RssShmem:"] }'
}

flood() {
    cat >"$work/flood.lua" <<'LUA'
local n = 0
function request()
  n = n + 1
  local a, b, c = math.floor(n / 65536) % 256, math.floor(n / 256) % 256, n % 256
  return wrk.format("GET", "/ip", { ["X-Forwarded-For"] = ("20.%d.%d.%d"):format(a, b, c) })
end
LUA
    TRUSTED_PROXIES=127.0.0.1 start "$neap" serve "$app"
    wrk -t1 -c16 -d1s "http://127.0.0.1:$port/free" >/dev/null
    echo "before the flood: $(memory)"
    sent=0
    while [ "$sent" -lt 1000000 ]; do
        wrk -t1 -c16 -d15s -s "$work/flood.lua" "http://127.0.0.1:$port/ip" >"$work/wrk"
        sent=$((sent + $(awk '/ requests in / { print $1 }' "$work/wrk")))
        sed -i "s/^local n = .*/local n = $sent/" "$work/flood.lua"
    done
    echo "after $sent clients: $(memory)"
    stop
}

count() {
    WORKERS=1 start_counted "$neap" serve "$app"
    curl -fsS -o "$work/answer" "http://127.0.0.1:$port$1?[1-$2]"
    stop_counted
}

instructions() {
    few=$(count "$1" 200)
    many=$(count "$1" 600)
    echo $(((many - few) / 400))
}

export WORKERS=2
exactness
flood
none=$(instructions /free)
one=$(instructions /plenty)
echo "a limit by address: $((one - none)) instructions beside the $none of the request"

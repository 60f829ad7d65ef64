#!/bin/sh
# What a request costs: bench/run.sh [build/neap]. Two figures that a noisy machine does not spoil: instructions per request
# (callgrind, one worker, one connection) and CPU time per request (wrk, one worker, 32 connections).
# With BENCH_DIR naming a folder of peers (bench.py with floor/, nginx/), the same endpoints are measured beside them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
neap=$(realpath "${1:-build/neap}")
port=${BENCH_PORT:-8091} ready=/plaintext
. "$here/server.sh"

export WORKERS=1 HOST=127.0.0.1 PORT="$port" ENVIRONMENT=production ACCESS_LOG=off RATE_LIMIT_DEFAULT=off SECRET_KEY=0123456789abcdef0123456789abcdef

# The instructions of all processes together when each of so many requests was answered on one connection. What follows
# path and number goes to curl.
count() {
    start_counted "$neap" serve "$here/app"
    count_path=$1 count_n=$2
    shift 2
    curl -fsS -o "$work/answer" "$@" "http://127.0.0.1:$port$count_path?[1-$count_n]"
    stop_counted
}

# Start and stop cost the same in both runs and fall out of the difference.
instructions() {
    measured=$1
    shift
    few=$(count "$measured" 200 "$@")
    many=$(count "$measured" 600 "$@")
    echo $(((many - few) / 400))
}

# What the second and the third route cost more than the first, and their ratio.
compare() {
    what=$1 base=$2 ours=$3 theirs=$4
    shift 4
    none=$(instructions "$base" "$@")
    a=$(($(instructions "$ours" "$@") - none))
    b=$(($(instructions "$theirs" "$@") - none))
    echo "$what: $a instructions, with lua-cjson $b: $(awk -v a=$a -v b=$b 'BEGIN { printf "%.2f", a / b }') of it"
}

# Ticks of the server and its children; the kernel adds a dead child's to its parent's.
ticks() {
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$server" '
        { sub(/\(.*\)/, "x"); parent[$1] = $4; own[$1] = $14 + $15 }
        END {
            for (pid in own) {
                for (p = pid; p in parent && p != root; p = parent[p]) {}
                if (p == root) sum += own[pid]
            }
            print sum
        }'
}

cpu() {
    wrk -t1 -c32 -d1s "http://127.0.0.1:$port$1" >/dev/null
    before=$(ticks)
    wrk -t1 -c32 -d4s "http://127.0.0.1:$port$1" >"$work/wrk"
    after=$(ticks)
    awk -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" '
        / requests in / { n = $1 } /Requests\/sec/ { rate = $2 } /Non-2xx|Socket errors/ { print > "/dev/stderr" }
        END { printf "%.2f us CPU/request, %d requests/s", ticks * 1e6 / hz / n, rate }' "$work/wrk"
}

if [ -n "${BENCH_DIR-}" ]; then
    NEAP=$neap NEAP_APP=$here/app exec python3 "$here/peers.py" "$BENCH_DIR"
fi

# The application's own Postgres, for as long as this runs.
trap 'stop; (cd "$here/app" && "$neap" db down >/dev/null); rm -rf "$work"' EXIT
DATABASE_URL=$(cd "$here/app" && "$neap" db up | sed -n 's/.*\(postgresql:.*\)/\1/p')
export DATABASE_URL

start "$neap" serve "$here/app"
for path in /plaintext /json; do
    echo "$path: $(cpu $path)"
done
stop
for path in /plaintext /json; do
    echo "$path: $(instructions $path) instructions/request"
done
# Of SECRET_KEY above, good until 2100.
token=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6NDEwMjQ0NDgwMH0.N_6fThPhWNZRkCBcGpHlK1eX1Cyf4xEOrcPzbQ_8KSU
echo "/me, signed in: $(instructions /me -H "Authorization: Bearer $token") instructions/request"
compare "100 rows of 8 columns written by db.json" /micro/rows /micro/rows/json /micro/rows/tables
compare "a body of six fields checked" /micro/body /micro/body/check /micro/body/cjson -H 'Content-Type: application/json' \
    -d '{"title":"Write the quarterly report","description":"With figures for all teams.","priority":"high","estimate":8,"done":false,"owner":"00000000-0000-4000-8000-000000000001"}'

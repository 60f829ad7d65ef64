# For the measurements beside this file: one server at a time, on $port, which answers $ready once it serves. It is stopped and
# the folder $work removed when the script ends.
work=$(mktemp -d)
server=
trap 'stop; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

stop() {
    [ -z "$server" ] || { kill "$server" && wait "$server" || true; }
    server=
}

# start COMMAND...: returns when it answers.
start() {
    "$@" >"$work/log" 2>&1 &
    server=$!
    tries=0
    until curl -fsS -o "$work/answer" "http://127.0.0.1:$port$ready" 2>/dev/null; do
        tries=$((tries + 1))
        if [ $tries = 300 ] || ! kill -0 "$server" 2>/dev/null; then
            cat "$work/log" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# start_counted COMMAND...: likewise, under callgrind.
start_counted() {
    rm -f "$work"/callgrind.*
    start valgrind --tool=callgrind --callgrind-out-file="$work/callgrind.%p" "$@"
}

# Ends it and prints the instructions of all its processes together.
stop_counted() {
    stop
    awk '/^(summary|totals):/ { n += $2; nextfile } END { printf "%d", n }' "$work"/callgrind.*
}

#!/bin/sh
# Runs all specs in several processes side by side: tools/specs.sh NEAP LANES RESULTS
# Most of what a spec does is wait, for a server that starts or a limit that is reached. Each lane is a `neap test` with a
# database of its own and every LANES-th file. The first one is seen as it runs, the others when they have ended; RESULTS
# has what became of each test, as `neap test --ran` writes it.
set -u
neap=$1
lanes=$2
results=$3
folder=$(mktemp -d)
pids=
trap 'rm -rf "$folder"' EXIT
trap 'kill $pids 2>/dev/null; wait; exit 130' INT TERM

find spec -name '*_spec.lua' | LC_ALL=C sort >"$folder/files"

files_of() {
    awk -v lane="$1" -v lanes="$lanes" 'NR % lanes == lane' "$folder/files"
}

# A lane without a file would run all of them.
[ "$lanes" -le "$(awk 'END { print NR }' "$folder/files")" ] || lanes=1

# No spec has a blank in its name.
other=1
while [ "$other" -lt "$lanes" ]; do
    "$neap" test --ran "$folder/$other.ran" $(files_of "$other") >"$folder/$other.said" 2>&1 &
    pids="$pids $!"
    other=$((other + 1))
done

failed=0
"$neap" test --ran "$folder/0.ran" $(files_of 0) || failed=1
other=1
for pid in $pids; do
    wait "$pid" || failed=1
    cat "$folder/$other.said"
    other=$((other + 1))
done
cat "$folder"/*.ran >"$results"
exit "$failed"

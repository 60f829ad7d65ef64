#!/bin/sh
# Runs each fuzz target for some seconds: tools/fuzz.sh FOLDER-OF-THE-PROGRAMS SECONDS
# An input that crashes is kept under fuzz/crashes/, where the tests replay it from then on.
set -eu
programs=${1:?usage: tools/fuzz.sh FOLDER SECONDS}
seconds=${2:-60}

status=0
for source in fuzz/*_fuzz.c; do
    name=$(basename "$source" _fuzz.c)
    if [ ! -x "$programs/${name}_fuzz" ]; then
        echo "$name: did not run, $programs/${name}_fuzz is not built"
        status=1
        continue
    fi
    # What is found on the way stays with the build: fuzz/corpus/ is what a person chose.
    mkdir -p "$programs/found/$name" "fuzz/crashes/$name"
    if "$programs/${name}_fuzz" -max_total_time="$seconds" -timeout=5 -max_len=4096 -print_final_stats=1 -verbosity=0 \
        -dict=fuzz/$name.dict -artifact_prefix="fuzz/crashes/$name/" "$programs/found/$name" "fuzz/corpus/$name" \
        >"$programs/$name.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$programs/$name.log")
        echo "$name: $runs inputs in $seconds s, none crashed"
    else
        tail -n 60 "$programs/$name.log"
        echo "$name: a crash; the input is in fuzz/crashes/$name/"
        status=1
    fi
    rmdir "fuzz/crashes/$name" fuzz/crashes 2>/dev/null || true
done
exit $status

#!/bin/sh
# Holds docs/requirements.md to what it says: tools/requirements.sh [RESULTS]
# Every row of its tables names a spec as `spec/x_spec.lua`: "what its `it` says" (C tests as `spec/core/x_test.c`: "..."),
# or says "Deferred" or "Not applicable" for how. Each named spec must be there. With RESULTS, written by
# `neap test --ran RESULTS` over all specs, each must have passed too; one that was skipped, with its file or alone, for
# what this machine lacks, is told and is no failure. C tests are run by ctest, which ends `make test` when one fails.
set -u
LC_ALL=C.UTF-8
export LC_ALL
page=${REQUIREMENTS:-docs/requirements.md}
awk -v results="${1-}" -v page="$page" '
    function bad(text) { print page ":" FNR ": " text; failed++ }
    # What a source file says, its lines in one string.
    function read(path,    line, text) {
        if (!(path in source)) {
            while ((getline line < path) > 0)
                text = text line "\n"
            close(path)
            source[path] = text
        }
        return source[path]
    }
    function is_there(path, name,    text) {
        text = read(path)
        if (path ~ /\.c$/)
            return index(text, "TEST(\"" name "\")") > 0
        return index(text, "it(\"" name "\"") > 0 || index(text, "it \"" name "\"") > 0
    }
    function read_results(    line, part) {
        while ((got = getline line < results) > 0) {
            split(line, part, "\t")
            status[part[2], part[3]] = part[1]
            if (part[1] == "skipped")
                skips[part[2]] = 1
        }
        if (got < 0) {
            print "requirements: " results " cannot be read"
            exit 2
        }
    }
    function check(path, name,    plain, now) {
        named++
        if (!is_there(path, name)) {
            bad(path " has no \"" name "\"")
            return
        }
        if (results == "" || path ~ /\.c$/)
            return
        plain = name
        gsub(/\\"/, "\"", plain)
        gsub(/\\\\/, "\\", plain)
        now = ((path, plain) in status) ? status[path, plain] : path in skips ? "skipped" : "was not run"
        if (now == "skipped") {
            print page ":" FNR ": skipped here: " path ": " plain
            skipped++
        } else if (now != "passed")
            bad(path ": \"" plain "\" " now)
    }
    # `path`: "name", "name"; `path`: "name"
    function check_row(row,    path, before) {
        before = named
        while (match(row, /`spec\/[^`]*_(spec\.lua|test\.c)`/)) {
            path = substr(row, RSTART + 1, RLENGTH - 2)
            row = substr(row, RSTART + RLENGTH)
            if (row !~ /^: "/)
                bad(path " is named without one of its tests")
            while (match(row, /^(:|,) "([^"\\]|\\.)*"/)) {
                check(path, substr(row, 4, RLENGTH - 4))
                row = substr(row, RLENGTH + 1)
            }
        }
        return named - before
    }
    BEGIN { if (results != "") read_results() }
    /^\| *[A-D][0-9]+ *\|/ || (in_topics && /^\|/ && !/^\|-/) {
        rows++
        if (check_row($0) == 0 && $0 !~ /\| (Deferred|Not applicable)/)
            bad("names no spec and is not deferred")
        split($0, cell, / *\| */)
        if (seen[cell[2]]++)
            bad("a second row " cell[2])
    }
    { in_topics = /^\| *Topic *\|/ || (in_topics && /^\|/) }
    END {
        if (got < 0)
            exit 2
        n = split("A70 B23 C35 D34", ends, " ")
        for (i = 1; i <= n; i++)
            for (k = 1; k <= substr(ends[i], 2) + 0; k++)
                if (!((substr(ends[i], 1, 1) k) in seen)) {
                    print page ": has no row " substr(ends[i], 1, 1) k
                    failed++
                }
        printf "requirements: %d rows, %d specs named, %d skipped here, %d wrong\n", rows, named, skipped, failed
        exit failed > 0
    }' "$page"

#!/bin/sh
# Everything about the sources that can be checked without running them: tools/lint.sh BUILD [check]...
# Each check prints what is wrong as file:line: text, and nothing when all is well.
set -u
LC_ALL=C.UTF-8
export LC_ALL
build=${1:?usage: tools/lint.sh BUILD [check]...}
shift
headers=$(find core -name '*.h' | sort)
sources=$(find core -name '*.c' | sort)
specs=$(find spec fuzz -name '*.[ch]' | sort)
lua=$(find lua spec bench config.lua -name '*.lua' | sort)

check_format() {
    clang-format --dry-run -Werror $headers $sources $specs
}

check_lua() {
    luacheck --quiet --formatter plain $lua
}

# Includes point inward and name their ring; a library belongs to the rings that may know it. A ring's folders are rooms,
# which point inward too; the files beside them may know all of them.
check_rings() {
    awk '
        BEGIN {
            inner["base"] = "base"; inner["http"] = "base http"; inner["pg"] = "base pg"; inner["plan"] = "base plan"
            inner["auth"] = "base plan auth"; inner["redis"] = "base redis"
            inner["script"] = "base http pg redis plan auth script"
            inner["host"] = "base http pg redis plan auth script host"
            rooms["result"] = "result"
            rooms["json"] = "json"; rooms["sandbox"] = "sandbox"; rooms["runtime"] = "json runtime"
            rooms["os"] = "runtime os"; rooms["auth"] = "runtime auth"; rooms["db"] = "json runtime db"
            rooms["plan"] = "json runtime db plan"; rooms["request"] = "json runtime auth db plan request"
            owner["uv.h"] = "http pg redis script host"; owner["hiredis/"] = "redis"
            owner["llhttp.h"] = "http script"; owner["libpq-fe.h"] = "pg script"
            owner["lua.h"] = owner["lauxlib.h"] = owner["lualib.h"] = owner["zlib.h"] = "script"
            owner["openssl/"] = "pg auth script"; owner["crypt.h"] = owner["jwt.h"] = owner["curl/"] = "auth"
            owner["pcre2.h"] = "plan"
        }
        function bad(text) { print FILENAME ":" FNR ": " text; failed = 1 }
        function among(word, list) { return index(" " list " ", " " word " ") > 0 }
        /^[ \t]*#[ \t]*include/ {
            levels = split(FILENAME, path, "/"); ring = path[2]; room = levels > 3 ? path[3] : ""
            if (match($0, /"[^"]+"/)) {
                name = substr($0, RSTART + 1, RLENGTH - 2); levels = split(name, part, "/")
                if (!(part[1] in inner)) bad("\"" name "\" does not name its ring, as \"base/buf.h\" does")
                else if (!among(part[1], inner[ring])) bad(ring " must not know of " part[1] ": \"" name "\"")
                else if (room != "" && part[1] == ring && !(levels > 2 && among(part[2], rooms[room])))
                    bad(ring "/" room " must not know of \"" name "\"")
            } else if (match($0, /<[^>]+>/)) {
                name = substr($0, RSTART + 1, RLENGTH - 2); key = name
                sub(/\/.*/, "/", key)
                if (key in owner && !among(ring, owner[key])) bad("<" name "> belongs to " owner[key])
            }
        }
        END { exit failed }' $headers $sources
}

# An application requires what lies in lua/neap itself; the folders there are the framework's own.
check_modules() {
    ! grep -rnE "require *\(?[\"']neap\.[a-z_]+\." lua/app config.lua bench --include='*.lua'
}

# A header is the contract of one thing. One that gathers others makes every file depend on all of them.
check_umbrella() {
    awk 'FNR == 1 { n = 0 }
         /^#include "/ && ++n == 8 { print FILENAME ":" FNR ": more than seven headers of ours"; failed = 1 }
         END { exit failed }' $headers
}

check_headers() {
    wrong=0
    flags="$(pkg-config --cflags lua5.4 libpq libuv) -I/usr/share/include/llhttp -DLLHTTP_STRICT_MODE=1"
    for header in $headers; do
        ${CC:-cc} -std=gnu11 -Wall -Wextra -Werror -fsyntax-only -Icore -I"$build/generated" $flags -include "$header" \
            -x c /dev/null || wrong=1
    done
    return $wrong
}

check_size() {
    awk 'FNR == 451 && FILENAME !~ /^spec\// { print FILENAME ":451: more than 450 lines: is it two things?"; failed = 1 }
         length($0) > 125 { print FILENAME ":" FNR ": longer than 125 columns"; failed = 1 }
         END { exit failed }' $headers $sources $specs $lua CMakeLists.txt Makefile cmake/* tools/*
}

# Those of the repository, and new ones that git would take; what a build leaves in the checkout is not ours.
pages() {
    git ls-files --cached --others --exclude-standard '*.md' 2>/dev/null | grep . ||
        find . -name '*.md' -not -path './build*' -not -path './.neap/*'
}

# Links between pages must lead to a file that is there.
check_links() {
    pages | sort | while read -r page; do
        grep -noE '\]\([^)]+\)' "$page" | sed 's/](\(.*\))$/\1/' | while IFS=: read -r line target; do
            case $target in http:* | https:* | mailto:* | '#'*) continue ;; esac
            [ -e "$(dirname "$page")/${target%%#*}" ] || echo "$page:$line: leads nowhere: $target"
        done
    done | { ! grep .; }
}

status=0
passed=0
failed=
for check in ${*:-format lua rings modules umbrella headers size links}; do
    if check_"$check"; then
        passed=$((passed + 1))
    else
        failed="$failed $check"
        status=1
    fi
done
echo "lint: $passed passed${failed:+, failed:$failed}"
exit $status

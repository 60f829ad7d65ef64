#!/bin/sh
# Installs the Debian packages that are missing: tools/deps.sh [build|run|test|lint|bench|fuzz|pages|browser]...
# Silent and without network when all are there. Where there is no dpkg nothing is installed: CMake then tells by name
# what is missing.
set -eu

packages_of() {
    case $1 in
        build) echo cmake gcc libc6-dev pkg-config liblua5.4-dev libuv1-dev node-llhttp libpq-dev libjwt-dev libssl-dev \
            libcrypt-dev libcurl4-openssl-dev zlib1g-dev libpcre2-dev libhiredis-dev ;;
        run) echo postgresql lua-cjson ;;
        test) echo lua-busted openssl redis-server nginx-light pgbouncer curl git ;;
        lint) echo clang-format lua-check ;;
        fuzz) echo clang libclang-rt-dev ;;
        bench) echo wrk valgrind curl python3 ;;
        # Both are large: npm brings hundreds of packages with it, and only one spec wants a browser.
        pages) echo npm ;;
        browser) echo chromium ;;
        *) echo "deps: no such group: $1 (build, run, test, lint, bench, fuzz, pages, browser)" >&2; exit 64 ;;
    esac
}

# What counts is the tool, whichever package of several brought it.
has() {
    case $1 in
        gcc) command -v cc ;;
        pkg-config | cmake | clang | clang-format | wrk | valgrind | curl | python3 | git | npm | chromium | openssl)
            command -v "$1" ;;
        lua-check) command -v luacheck ;;
        nginx-light) [ -x /usr/sbin/nginx ] ;;
        pgbouncer) [ -x /usr/sbin/pgbouncer ] ;;
        redis-server) command -v redis-server ;;
        postgresql) ls /usr/lib/postgresql/*/bin/initdb ;;
        *) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1")" = installed ] ;;
    esac
} >/dev/null 2>&1

# Debian's postgresql makes a database cluster and starts it as soon as it is installed. Neap runs a private one, so for
# the time of the installation, and only where no server is there yet, that is switched off.
install_as_root() {
    log=$(mktemp)
    drop_in=
    case " $* " in
        *" postgresql "*)
            dir=/etc/postgresql-common/createcluster.d
            made=
            [ -d /etc/postgresql-common ] || made=/etc/postgresql-common
            mkdir -p $dir
            drop_in=$dir/zz-neap.conf
            echo 'create_main_cluster = false' >$drop_in ;;
    esac
    trap 'rm -f "$log" $drop_in; [ -z "$drop_in" ] || rmdir $dir $made 2>/dev/null || true' EXIT
    trap 'exit 130' INT TERM

    export DEBIAN_FRONTEND=noninteractive
    set -- apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install "$@"
    # Fresh systems have no package lists, old lists name files that are gone: only then are they fetched.
    "$@" </dev/null >"$log" 2>&1 || { apt-get -q update </dev/null && "$@" </dev/null; } >"$log" 2>&1 || {
        cat "$log" >&2
        echo "deps: the installation failed" >&2
        exit 1
    }
}

if [ "${1-}" = --as-root ]; then
    shift
    install_as_root "$@"
    exit
fi

command -v dpkg-query >/dev/null 2>&1 || exit 0
missing=
for group in "${@:-build}"; do
    for package in $(packages_of "$group"); do
        has "$package" || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=sh
elif command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root="sudo sh"
else
    echo "deps: Debian packages are missing. Installing them needs root, and sudo is not there or wants a password." >&2
    echo "As root, run:  apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "deps: installing the Debian packages$missing"
$as_root "$0" --as-root $missing
echo "deps: done"

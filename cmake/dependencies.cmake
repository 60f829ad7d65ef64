# Finds every library. What is missing is told all at once, with the version that is wanted and the Debian package that
# brings it.

set(missing "")
function(need what package)
    set(missing "${missing}\n  ${what} (Debian: ${package})" PARENT_SCOPE)
endfunction()

find_package(PkgConfig QUIET)
if(NOT PKG_CONFIG_FOUND)
    message(FATAL_ERROR "The libraries are found through pkg-config, which is missing (Debian: pkg-config).\n"
        "`make deps` installs it on Debian.")
endif()

pkg_search_module(LUA QUIET IMPORTED_TARGET lua5.4 lua-5.4 lua54)
if(NOT LUA_FOUND)
    need("Lua 5.4" liblua5.4-dev)
endif()

# variable, module, least version ("" for any), what a person calls it, package
function(need_module var module version what package)
    if(version)
        pkg_check_modules(${var} QUIET IMPORTED_TARGET GLOBAL "${module}>=${version}")
        set(what "${what} >= ${version}")
    else()
        pkg_check_modules(${var} QUIET IMPORTED_TARGET GLOBAL ${module})
    endif()
    if(NOT ${var}_FOUND)
        need("${what}" ${package})
        set(missing "${missing}" PARENT_SCOPE)
    endif()
endfunction()

need_module(UV libuv 1.44 libuv libuv1-dev)
need_module(PQ libpq 15 libpq libpq-dev)
need_module(JWT libjwt 1.10 libjwt libjwt-dev)
need_module(SSL libcrypto 3.0 OpenSSL libssl-dev)
need_module(TLS libssl 3.0 OpenSSL libssl-dev)
need_module(CURL libcurl 7.85 libcurl libcurl4-openssl-dev)
need_module(CRYPT libcrypt 4.4 libxcrypt libcrypt-dev)
need_module(HIREDIS hiredis 0.14 hiredis libhiredis-dev)
need_module(ZLIB zlib 1.2 zlib zlib1g-dev)
need_module(PCRE2 libpcre2-8 10.40 PCRE2 libpcre2-dev)

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads QUIET)
if(NOT Threads_FOUND)
    need("POSIX threads" libc6-dev)
endif()

# A system's own libllhttp from 9 on is strict unless asked not to be; the ones before were built as their packager
# liked. Debian 12 has no library but the C sources, which we build strict ourselves.
pkg_check_modules(LLHTTP QUIET IMPORTED_TARGET "libllhttp>=9")
find_path(LLHTTP_SOURCES llhttp.c PATHS /usr/share/llhttp /usr/local/share/llhttp NO_DEFAULT_PATH)
find_path(LLHTTP_INCLUDE llhttp.h PATHS /usr/share/include/llhttp /usr/local/share/include/llhttp NO_DEFAULT_PATH)
mark_as_advanced(LLHTTP_SOURCES LLHTTP_INCLUDE)
if(LLHTTP_FOUND)
    add_library(neap_llhttp INTERFACE)
    target_link_libraries(neap_llhttp INTERFACE PkgConfig::LLHTTP)
elseif(LLHTTP_SOURCES AND LLHTTP_INCLUDE)
    file(GLOB llhttp_c ${LLHTTP_SOURCES}/*.c)
    add_library(neap_llhttp STATIC ${llhttp_c})
    target_include_directories(neap_llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
    # The macro changes the parser and the header: both sides must see it.
    target_compile_definitions(neap_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
    target_compile_options(neap_llhttp PRIVATE -O3 -w)
else()
    need("llhttp (libllhttp >= 9, or the C sources in /usr/share/llhttp)" node-llhttp)
endif()

if(missing)
    message(FATAL_ERROR "Neap needs what is not there:${missing}\n`make deps` installs it on Debian.")
endif()

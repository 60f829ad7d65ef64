# A ring is one folder of core/ and one static library. It sees the headers of the rings that it names and of no other:
# its include path is a folder of links to exactly these.
#
#   ring(NAME [RINGS inner...] [LIBS library...] [PRIVATE_LIBS library...])
#
# LIBS are seen by the rings around it too, because the ring's headers include theirs; PRIVATE_LIBS are not.

set(warnings -Wall -Wextra -Wshadow -Wconversion)
if(NEAP_WERROR)
    list(APPEND warnings -Werror)
endif()
set(generated ${PROJECT_BINARY_DIR}/generated)
configure_file(${PROJECT_SOURCE_DIR}/cmake/version.h.in ${generated}/base/version.h @ONLY)

if(NEAP_FUZZ)
    set(NEAP_SANITIZE ON)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(NEAP_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
else()
    # A function of a shared library is called through its slot at once, which is filled in, and made read-only, at start.
    add_compile_options(-fstack-protector-strong -fno-plt)
    add_link_options(-Wl,-z,relro,-z,now)
    if(NOT CMAKE_BUILD_TYPE STREQUAL Debug)
        add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    endif()
endif()

# The include path and the flags of one ring, for a target that is part of it or tests it.
function(ring_options target name)
    target_compile_options(${target} PRIVATE ${warnings}
        # Messages and asserts name the file in the tree, not the link to it.
        -fmacro-prefix-map=${PROJECT_BINARY_DIR}/view/${name}/=core/ -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
    target_include_directories(${target} PRIVATE ${PROJECT_BINARY_DIR}/view/${name} ${generated})
endfunction()

function(ring name)
    cmake_parse_arguments(PARSE_ARGV 1 RING "" "" "RINGS;LIBS;PRIVATE_LIBS")
    set(view ${PROJECT_BINARY_DIR}/view/${name})
    file(REMOVE_RECURSE ${view})
    file(MAKE_DIRECTORY ${view})
    foreach(inner IN LISTS RING_RINGS ITEMS ${name})
        file(CREATE_LINK ${PROJECT_SOURCE_DIR}/core/${inner} ${view}/${inner} SYMBOLIC)
    endforeach()

    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/core/${name}/*.c)
    list(FILTER sources EXCLUDE REGEX "/main\\.c$")
    add_library(${name} STATIC ${sources})
    ring_options(${name} ${name})
    target_link_libraries(${name} PUBLIC ${RING_RINGS} ${RING_LIBS} PRIVATE ${RING_PRIVATE_LIBS})
endfunction()

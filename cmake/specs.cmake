# spec/core/<ring>/[<room>/]<file>_test.c is one executable and one test. Its first include is the .c that it tests; what
# that file needs besides comes from the ring's library. `make` does not build them, the target `specs` does.

add_custom_target(specs)
file(GLOB_RECURSE tests CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/spec/core ${PROJECT_SOURCE_DIR}/spec/core/*_test.c)
foreach(source IN LISTS tests)
    string(REGEX MATCH "^[^/]+" ring ${source})
    string(REGEX REPLACE "\\.c$" "" name ${source})
    string(REPLACE / _ test ${name})
    if(NOT TARGET ${ring})
        message(FATAL_ERROR "${source}: there is no ring ${ring}")
    endif()
    add_executable(${test} EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/spec/core/${source})
    set_target_properties(${test} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/spec ENABLE_EXPORTS ON)
    ring_options(${test} ${ring})
    # A fixture's header serves several tests, none of which calls all of it. At -O3 gcc 12 takes a test's short literals for
    # arrays that are read beyond their end.
    target_compile_options(${test} PRIVATE -Wno-unused-function $<$<CONFIG:RelWithDebInfo>:-O2>)
    target_include_directories(${test} PRIVATE ${PROJECT_SOURCE_DIR} $<TARGET_PROPERTY:${ring},INCLUDE_DIRECTORIES>)
    target_link_libraries(${test} PRIVATE ${ring})
    add_dependencies(specs ${test})
    add_test(NAME ${name} COMMAND ${test} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 60)
endforeach()

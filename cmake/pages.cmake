# The pages /docs and /redoc as gzip inside the binary, for core/script/pages.h: what web/ has, and the bundles of two npm
# packages, which are fetched into the build folder and never into the repository.
#
# Included by CMakeLists.txt it defines embed_pages(TARGET FOLDER).
# Run as `cmake -DROOT=FOLDER -DOUT=file.c -DWORK=folder -P pages.cmake` it writes the C file. What is missing costs the two
# pages and one line of notice, never the build. A build that went without them does so until `make pages`: a network that
# does not answer would otherwise be waited for each time.

option(NEAP_PAGES "Carry Swagger UI and Redoc, which npm fetches" ON)

function(embed_pages target root)
    set(out ${generated}/pages.c)
    file(GLOB files CONFIGURE_DEPENDS ${root}/*)
    file(CONFIGURE OUTPUT ${generated}/pages.list CONTENT "${NEAP_PAGES} ${files}\n")
    set(script ${PROJECT_SOURCE_DIR}/cmake/pages.cmake)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DNEAP_PAGES=${NEAP_PAGES} -DROOT=${root} -DOUT=${out} -DWORK=${PROJECT_BINARY_DIR}/pages
                -P ${script}
        DEPENDS ${files} ${generated}/pages.list ${script}
        COMMENT "Embedding the documentation pages" VERBATIM)
    target_sources(${target} PRIVATE ${out})
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE)
    return()
endif()
cmake_policy(VERSION 3.25)

# npm verifies what it fetched against what the registry says, we against what was looked at when this line was written.
# The packages are packed, not installed: each has all it needs in one bundle, and an installation of redoc would bring
# 115 packages more.
set(packages
    swagger-ui-dist 5.35.0 1b8e891893404ea4c3558b6a87e2a3e494e7eedba41168c2ece5800a391a6ea6
    redoc 2.5.4 44922df4d0eb45c1b066c09ec251e6bd9bd7ded16bc69e87613337b9d911a56e)
set(bundles
    swagger-ui-dist/swagger-ui-bundle.js
    swagger-ui-dist/swagger-ui.css
    redoc/bundles/redoc.standalone.js)
# Both licences want their text to go where the code goes.
set(licences
    swagger-ui-dist/LICENSE
    swagger-ui-dist/NOTICE
    swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt
    redoc/LICENSE
    redoc/bundles/redoc.standalone.js.LICENSE.txt)

# Unpacks WORK/<name>; sets `missing` to a sentence when that is not possible.
function(fetch name version sha256)
    set(archive ${WORK}/${name}-${version}.tgz)
    set(have "")
    if(EXISTS ${archive})
        file(SHA256 ${archive} have)
    endif()
    if(NOT have STREQUAL sha256)
        find_program(npm npm NO_CACHE)
        if(NOT npm)
            set(missing "npm is not there" PARENT_SCOPE)
            return()
        endif()
        execute_process(COMMAND ${npm} pack --ignore-scripts --silent --fetch-retries=0 --fetch-timeout=20000
                ${name}@${version}
            WORKING_DIRECTORY ${WORK} RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET TIMEOUT 60)
        if(failed OR NOT EXISTS ${archive})
            set(missing "npm could not fetch ${name} ${version}" PARENT_SCOPE)
            return()
        endif()
        file(SHA256 ${archive} have)
        if(NOT have STREQUAL sha256)
            file(REMOVE ${archive})
            set(missing "what npm fetched as ${name} ${version} is not what it was" PARENT_SCOPE)
            return()
        endif()
    endif()
    file(REMOVE_RECURSE ${WORK}/${name} ${WORK}/package)
    file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${WORK})
    file(RENAME ${WORK}/package ${WORK}/${name})
endfunction()

function(fetch_all)
    if(NOT NEAP_PAGES)
        set(missing "it was built with NEAP_PAGES=OFF" PARENT_SCOPE)
        return()
    endif()
    set(rest ${packages})
    while(rest)
        list(POP_FRONT rest name version sha256)
        fetch(${name} ${version} ${sha256})
        if(missing)
            set(missing "${missing}" PARENT_SCOPE)
            return()
        endif()
    endwhile()
    set(text "What the documentation pages are made of, and its licences.\n")
    foreach(licence IN LISTS licences)
        file(READ ${WORK}/${licence} one)
        string(APPEND text "\n==== ${licence} ====\n\n${one}")
    endforeach()
    file(WRITE ${WORK}/licences.txt "${text}")
endfunction()

file(MAKE_DIRECTORY ${WORK})
set(missing "")
fetch_all()
file(GLOB files ${ROOT}/*)
if(missing)
    if(NEAP_PAGES)
        message(NOTICE "Without /docs and /redoc: ${missing} (`make pages` tries again).")
    endif()
else()
    list(APPEND files ${WORK}/licences.txt)
    foreach(bundle IN LISTS bundles)
        list(APPEND files ${WORK}/${bundle})
    endforeach()
endif()

set(named "")
foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME)
    list(APPEND named "${name}\t${file}")
endforeach()
list(SORT named)

set(arrays "")
set(rows "")
set(hashes "")
set(count 0)
foreach(one IN LISTS named)
    string(REPLACE "\t" ";" pair ${one})
    list(GET pair 0 name)
    list(GET pair 1 file)
    # -n: no name and no time in the header, so that the same files make the same binary.
    execute_process(COMMAND gzip -9 -n -c ${file} OUTPUT_FILE ${WORK}/${name}.gz COMMAND_ERROR_IS_FATAL ANY)
    file(SIZE ${file} plain)
    file(SIZE ${WORK}/${name}.gz size)
    file(SHA256 ${file} hash)
    string(APPEND hashes "${name} ${hash}\n")
    file(READ ${WORK}/${name}.gz hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(APPEND arrays "static const unsigned char file_${count}[] = {${bytes}};\n")
    string(APPEND rows "    {\"${name}\", file_${count}, ${size}, ${plain}},\n")
    math(EXPR count "${count} + 1")
endforeach()
string(SHA256 version "${hashes}")
string(SUBSTRING ${version} 0 16 version)
file(WRITE ${OUT} "#include \"script/pages.h\"\n\n${arrays}
const struct page_file page_files[] = {\n${rows}};\nconst size_t page_count = ${count};
const char pages_version[] = \"${version}\";\nconst char pages_missing[] = \"${missing}\";\n")

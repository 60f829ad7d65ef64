# The framework's Lua files as C arrays inside the binary, for core/script/sandbox/embed.h.
#
# Included by CMakeLists.txt it defines embed_lua(TARGET FOLDER), which carries FOLDER/neap/**/*.lua.
# Run as `cmake -DROOT=FOLDER -DOUT=file.c -P embed.cmake` it writes the C file.

function(embed_lua target root)
    set(out ${generated}/embed.c)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${root}/neap/*.lua)
    # A file that was removed leaves nothing newer than the output behind, but the list changes.
    file(CONFIGURE OUTPUT ${generated}/embed.list CONTENT "${files}\n")
    set(script ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DROOT=${root} -DOUT=${out} -P ${script}
        DEPENDS ${files} ${generated}/embed.list ${script}
        COMMENT "Embedding the Lua files" VERBATIM)
    target_sources(${target} PRIVATE ${out})
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE)
    return()
endif()

file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/neap/*.lua)

# A tab sorts before every byte of a name, so the pairs come out in the order of the names.
set(modules "")
foreach(file IN LISTS files)
    string(REGEX REPLACE "\\.lua$" "" name ${file})
    string(REGEX REPLACE "/init$" "" name ${name})
    string(REPLACE "/" "." name ${name})
    list(APPEND modules "${name}\t${file}")
endforeach()
list(SORT modules)

set(arrays "")
set(rows "")
set(i 0)
foreach(module IN LISTS modules)
    string(REPLACE "\t" ";" pair ${module})
    list(GET pair 0 name)
    list(GET pair 1 file)
    file(SIZE ${ROOT}/${file} size)
    file(READ ${ROOT}/${file} hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    # The closing zero is not counted: an array of C cannot be empty, a file can.
    string(APPEND arrays "static const unsigned char file_${i}[] = {${bytes}0x00};\n")
    string(APPEND rows "    {\"${name}\", \"@lua/${file}\", file_${i}, ${size}},\n")
    math(EXPR i "${i} + 1")
endforeach()
file(WRITE ${OUT} "#include \"script/sandbox/embed.h\"\n\n${arrays}
const struct embed_file embed_files[] = {\n${rows}};\nconst size_t embed_count = ${i};\n")

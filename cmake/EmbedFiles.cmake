# Turn a folder of files into a C table of gzipped assets (reef/dashboard_assets.h):
#   cmake -DFOLDER=… -DOUTPUT=… -P EmbedFiles.cmake
# Needs nothing but CMake, so that a build without node works too.

set(type_html "text/html; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_svg "image/svg+xml")

# The bytes of a file as the inside of a C array, 16 to a line.
function(bytes_of file out)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" lines "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${lines}")
  set(${out} "${bytes}" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE paths RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT paths)
set(arrays "")
set(rows "")
set(number 0)
foreach(path IN LISTS paths)
  string(REGEX REPLACE "^.*\\." "" extension ${path})
  if(NOT DEFINED type_${extension})
    message(FATAL_ERROR "no content type for ${path}: add it to EmbedFiles.cmake")
  endif()
  set(packed ${OUTPUT}.${number}.gz)
  file(ARCHIVE_CREATE OUTPUT ${packed} PATHS ${FOLDER}/${path}
       FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)
  file(SIZE ${FOLDER}/${path} size)
  file(SHA256 ${FOLDER}/${path} hash)
  string(SUBSTRING ${hash} 0 16 etag)
  bytes_of(${packed} bytes)
  file(REMOVE ${packed})
  string(APPEND arrays "static const unsigned char gz_${number}[] = {\n${bytes}};\n\n")
  string(APPEND rows "    {\"/${path}\", \"${type_${extension}}\", \"${etag}\", "
         "gz_${number}, sizeof gz_${number}, ${size}},\n")
  math(EXPR number "${number} + 1")
endforeach()
if(number EQUAL 0)
  message(FATAL_ERROR "nothing to embed in ${FOLDER}")
endif()

file(WRITE ${OUTPUT} "\
/* Generated from the dashboard's files; do not edit. */
#include <reef/dashboard_assets.h>

${arrays}const reef_asset_t reef_dashboard_assets[] = {
${rows}};

const size_t reef_dashboard_asset_count = ${number};
")

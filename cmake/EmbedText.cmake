# embed_text(<variable> <symbol> <file>)
# Appends to <variable> the C definition of `static const char <symbol>[]` with
# the bytes of <file> and a closing NUL.  The caller writes the definitions, and
# whatever refers to them, to a .c file with file(CONFIGURE): that leaves an
# unchanged file alone, and a changed <file> runs the configure step again.
function(embed_text variable symbol file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} bytes HEX)
  # Character literals, because 0xc3 does not fit a signed char.
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(REPLACE "'\\x0a'," "'\\n',\n    " bytes "${bytes}")
  set(definition "static const char ${symbol}[] = {\n    ${bytes}'\\0'\n};\n")
  set(${variable} "${${variable}}${definition}" PARENT_SCOPE)
endfunction()

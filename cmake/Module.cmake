# One static library per folder.  A folder's public headers live in
# <folder>/include and are the only thing its dependents can include.

option(WERROR "Treat warnings as errors" OFF)
option(FUZZ "Build libFuzzer targets (clang)" OFF)
set(SANITIZE "" CACHE STRING "Value for -fsanitize=")

add_library(build_flags INTERFACE)
target_compile_features(build_flags INTERFACE c_std_17)
target_compile_definitions(build_flags INTERFACE _GNU_SOURCE)
target_compile_options(build_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wvla -Wundef -Wcast-align -Wwrite-strings -Wpointer-arith
  -Wimplicit-fallthrough -Wformat=2 -Wno-missing-field-initializers
  -fno-common -ffp-contract=off
  $<$<BOOL:${WERROR}>:-Werror>)
if(SANITIZE)
  target_compile_options(build_flags INTERFACE
    -fsanitize=${SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(build_flags INTERFACE -fsanitize=${SANITIZE})
endif()
if(FUZZ)
  target_compile_options(build_flags INTERFACE -fsanitize=fuzzer-no-link)
  add_custom_target(fuzzers) # all of them
endif()
set(CMAKE_C_EXTENSIONS OFF)

# add_module(<name> [DIR <dir>] [DEPS <module>...] [PRIVATE_DEPS <library>...]
#            [GENERATED <file>...])
# All of <dir>/src/**/*.c with <dir>/include public and <dir>/src private.
# DEPS are modules whose headers dependents may include too; third-party
# libraries are PRIVATE_DEPS, so that nobody else sees their headers.
function(add_module name)
  cmake_parse_arguments(ARG "" "DIR" "DEPS;PRIVATE_DEPS;GENERATED" ${ARGN})
  set(dir ${CMAKE_CURRENT_SOURCE_DIR})
  if(ARG_DIR)
    set(dir ${dir}/${ARG_DIR})
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/src/*.c)
  add_library(${name} STATIC ${sources} ${ARG_GENERATED})
  target_include_directories(${name} PUBLIC ${dir}/include PRIVATE ${dir}/src)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE build_flags ${ARG_PRIVATE_DEPS})
endfunction()

# add_unit_test(<unit> DEPS <module>... [PRIVATE <dir>...])
# tests/<dir>/test_<unit>.c, one binary each; PRIVATE opens the src/ folders of
# the module that the test's folder mirrors, and no other.
function(add_unit_test unit)
  cmake_parse_arguments(ARG "" "" "DEPS;PRIVATE" ${ARGN})
  add_executable(test_${unit} test_${unit}.c)
  target_include_directories(test_${unit} PRIVATE ${ARG_PRIVATE})
  target_link_libraries(test_${unit} PRIVATE ${ARG_DEPS} test_support PkgConfig::cmocka build_flags)
  add_test(NAME ${unit} COMMAND test_${unit})
endfunction()

# add_fuzz_target(<unit> DEPS <module>... [PRIVATE <dir>...]): tests/fuzz/fuzz_<unit>.c
function(add_fuzz_target unit)
  cmake_parse_arguments(ARG "" "" "DEPS;PRIVATE" ${ARGN})
  if(FUZZ)
    add_executable(fuzz_${unit} fuzz_${unit}.c)
    target_include_directories(fuzz_${unit} PRIVATE ${ARG_PRIVATE})
    target_link_libraries(fuzz_${unit} PRIVATE ${ARG_DEPS} build_flags)
    target_link_options(fuzz_${unit} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers fuzz_${unit})
  endif()
endfunction()

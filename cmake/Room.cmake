# SPDX-License-Identifier: Apache-2.0

# keymast_room(NAME [USES room...] [LINKS target...]): one library from all NAME/*.cc but the
# programs' main files (NAME/main.cc and NAME/*_main.cc).
function(keymast_room name)
  cmake_parse_arguments(ARG "" "" "USES;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.cc
    ${CMAKE_SOURCE_DIR}/${name}/v2/*.cc)
  list(FILTER sources EXCLUDE REGEX "(/main|_main)\\.cc$")
  set(uses ${ARG_USES})
  list(TRANSFORM uses PREPEND keymast_)
  if(sources)
    add_library(keymast_${name} STATIC ${sources})
    target_link_libraries(keymast_${name} PUBLIC keymast_common ${uses} ${ARG_LINKS}
      PRIVATE keymast_warnings)
  else()
    add_library(keymast_${name} INTERFACE)
    target_link_libraries(keymast_${name} INTERFACE keymast_common ${uses} ${ARG_LINKS})
  endif()
endfunction()

# keymast_program(NAME SOURCE room... ): one executable in bin/, also named in the property
# KEYMAST_PROGRAMS for tests of all programs.
function(keymast_program name source)
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${source})
    return()
  endif()
  set(uses ${ARGN})
  list(TRANSFORM uses PREPEND keymast_)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${uses} keymast_warnings)
  set_property(GLOBAL APPEND PROPERTY KEYMAST_PROGRAMS ${name})
endfunction()

# keymast_unit_tests(ROOM [USES room...]): tests/unit/ROOM/*_test.cc as one test program.
function(keymast_unit_tests room)
  cmake_parse_arguments(ARG "" "" "USES;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${room}/*.cc)
  if(NOT sources)
    return()
  endif()
  set(uses ${room} ${ARG_USES})
  list(TRANSFORM uses PREPEND keymast_)
  add_executable(${room}_test ${sources})
  target_link_libraries(${room}_test PRIVATE ${uses} ${ARG_LINKS} keymast_warnings
    GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${room}_test PRIVATE KEYMAST_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    KEYMAST_BINARY_DIR="${CMAKE_BINARY_DIR}")
  add_test(NAME unit.${room} COMMAND ${room}_test)
endfunction()

# keymast_fuzz_target(NAME USES room... [DICTIONARY NAME] COVERS file... [LEAVES_OUT function...]):
# tests/fuzz/NAME.cc with its corpus in tests/fuzz/corpus/NAME. With KEYMAST_FUZZ a libFuzzer program,
# otherwise a replay test. scripts/fuzz reads the dictionary, the files that the target is about and
# the functions in them that it cannot reach.
function(keymast_fuzz_target name)
  cmake_parse_arguments(ARG "" "DICTIONARY" "USES;COVERS;LEAVES_OUT" ${ARGN})
  set(uses ${ARG_USES})
  list(TRANSFORM uses PREPEND keymast_)
  add_executable(fuzz_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/${name}.cc)
  target_link_libraries(fuzz_${name} PRIVATE ${uses} keymast_warnings)
  if(KEYMAST_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cc)
    add_test(NAME fuzz.${name}
      COMMAND fuzz_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
  endif()
endfunction()

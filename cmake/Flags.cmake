# SPDX-License-Identifier: Apache-2.0
# Flags of our own code; generated protobuf code gets keymast_common alone.
add_library(keymast_common INTERFACE)
target_include_directories(keymast_common INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(keymast_common INTERFACE _GLIBCXX_ASSERTIONS SPDLOG_COMPILED_LIB
  KEYMAST_VERSION="${PROJECT_VERSION}")
# Paths stay out of the objects, so that ccache serves every build folder and builds reproduce.
target_compile_options(keymast_common INTERFACE
  -fno-omit-frame-pointer "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=." -fdiagnostics-color=auto)

if(KEYMAST_SANITIZE)
  target_compile_options(keymast_common INTERFACE -fsanitize=${KEYMAST_SANITIZE}
    -fno-sanitize-recover=all)
  target_link_options(keymast_common INTERFACE -fsanitize=${KEYMAST_SANITIZE})
endif()

add_library(keymast_warnings INTERFACE)
target_compile_options(keymast_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion
  -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Werror)

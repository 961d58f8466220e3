# SPDX-License-Identifier: Apache-2.0
# libkeymast-receiver-full for a 32-bit ARM (Thumb-2), which small receivers have: held to its limits
# (unit.receiver_limits_arm), and not delivered. Without the cross compiler there is none.
find_program(KEYMAST_ARM_CXX arm-linux-gnueabihf-g++)
find_path(expected_include tl/expected.hpp REQUIRED)
if(NOT KEYMAST_ARM_CXX)
  return()
endif()
string(REGEX REPLACE "g\\+\\+$" "" arm_tools ${KEYMAST_ARM_CXX})

# Of the headers of this machine it sees the one without machine in it.
set(arm_folder ${CMAKE_CURRENT_BINARY_DIR}/arm)
file(MAKE_DIRECTORY ${arm_folder}/include ${arm_folder}/objects)
file(CREATE_LINK ${expected_include}/tl ${arm_folder}/include/tl SYMBOLIC)

list(TRANSFORM small_definitions PREPEND -D OUTPUT_VARIABLE arm_definitions)
get_target_property(arm_warnings keymast_warnings INTERFACE_COMPILE_OPTIONS)
set(arm_objects)
foreach(source ${KEYMAST_LIBRARY_SOURCES} receiver/library/runtime.cc)
  string(REPLACE "/" "_" name ${source})
  set(object ${arm_folder}/objects/${name}.o)
  add_custom_command(OUTPUT ${object}
    COMMAND ${KEYMAST_ARM_CXX} -std=c++20 -march=armv7-a+fp -mthumb -fno-pic ${arm_definitions}
      ${arm_warnings} -Wno-psabi ${small_options} -I${top} -I${top}/include
      -isystem ${arm_folder}/include -MD -MF ${object}.d -c ${top}/${source} -o ${object}
    DEPENDS ${top}/${source} DEPFILE ${object}.d
    COMMENT "Building ${source} for ARM" VERBATIM)
  list(APPEND arm_objects ${object})
endforeach()

set(arm_object ${arm_folder}/keymast-receiver-full.o)
add_custom_command(OUTPUT ${arm_object}
  COMMAND ${arm_tools}ld -r --gc-sections --force-group-allocation ${roots} -o ${arm_object}
    ${arm_objects}
  COMMAND ${arm_tools}objcopy ${kept} ${arm_object}
  DEPENDS ${arm_objects} ${top}/include/keymast/receiver.h VERBATIM)
add_custom_target(keymast_receiver_arm ALL DEPENDS ${arm_object})
set_target_properties(keymast_receiver_arm PROPERTIES OBJECT ${arm_object} TOOLS ${arm_tools})

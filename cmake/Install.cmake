# SPDX-License-Identifier: Apache-2.0
# What is installed, by component: one a Debian package (docs/packages.md). Units, configuration,
# users and pages of the programs are packed from deploy/ and debian/, since only a system has a use
# for them.
include(GNUInstallDirs)
# Debian's place for archives, whatever prefix the build was configured for.
set(KEYMAST_LIBDIR lib/${CMAKE_LIBRARY_ARCHITECTURE})

# All that is installed, for who builds packages and nothing else.
add_custom_target(delivered)

# keymast_install(COMPONENT DESTINATION TARGET...): programs that this build has.
function(keymast_install component destination)
  foreach(program ${ARGN})
    if(TARGET ${program})
      install(TARGETS ${program} RUNTIME DESTINATION ${destination} COMPONENT ${component})
      add_dependencies(delivered ${program})
    endif()
  endforeach()
endfunction()

keymast_install(server ${CMAKE_INSTALL_SBINDIR} keymastd keymast-api)
keymast_install(tools ${CMAKE_INSTALL_BINDIR} keymastctl keymast-mikey keymast-peer)
keymast_install(headend ${CMAKE_INSTALL_SBINDIR} keymast-headend)
keymast_install(receiver ${CMAKE_INSTALL_BINDIR} keymast-receiver)

# The receiver core for C programs: its headers, the archives in their sizes, what finds them.
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/keymast DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT receiver-dev FILES_MATCHING PATTERN "*.h")
if(TARGET keymast_receiver_library)
  add_dependencies(delivered keymast_receiver_archive keymast_receiver_archive_full
    keymast_receiver_archive_certificates keymast_receiver_x509_archive keymast_receiver_crypto)
  install(FILES $<TARGET_FILE:keymast_receiver_library> $<TARGET_FILE:keymast_receiver_library_full>
    $<TARGET_FILE:keymast_receiver_library_certificates> $<TARGET_FILE:keymast_receiver_x509>
    $<TARGET_FILE:keymast_receiver_crypto>
    DESTINATION ${KEYMAST_LIBDIR} COMPONENT receiver-dev)
  foreach(size receiver receiver-full receiver-certificates)
    configure_file(${CMAKE_SOURCE_DIR}/deploy/pkgconfig/keymast-${size}.pc.in
      ${CMAKE_BINARY_DIR}/lib/pkgconfig/keymast-${size}.pc @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/lib/pkgconfig/keymast-${size}.pc
      DESTINATION ${KEYMAST_LIBDIR}/pkgconfig COMPONENT receiver-dev)
  endforeach()
endif()

# Pages and completions of keymastctl are made of its own tree of commands, where the build has them.
if(TARGET keymastctl_pages)
  add_dependencies(delivered keymastctl_pages)
  install(DIRECTORY ${CMAKE_BINARY_DIR}/man/ DESTINATION share/man/man1 COMPONENT tools)
  install(FILES ${CMAKE_BINARY_DIR}/completion/keymastctl
    DESTINATION share/bash-completion/completions COMPONENT tools)
  install(FILES ${CMAKE_BINARY_DIR}/completion/_keymastctl
    DESTINATION share/zsh/vendor-completions COMPONENT tools)
  install(FILES ${CMAKE_BINARY_DIR}/completion/keymastctl.fish
    DESTINATION share/fish/vendor_completions.d COMPONENT tools)
endif()

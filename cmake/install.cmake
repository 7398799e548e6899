# install.cmake - what `cmake --install` copies where, and the files by which others find it.
# SPDX-License-Identifier: MIT
# A project that has acre as a part installs what it wants itself.
if(NOT PROJECT_IS_TOP_LEVEL)
    return()
endif()
include(CMakePackageConfigHelpers)
set(ACRE_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/acre)

install(TARGETS acre_shared acre_static acre_pools EXPORT acre-targets)
install(TARGETS acre_command acre_partitions_command)
install(DIRECTORY include/acre DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES docs/man/acre.1 docs/man/acre-run.1 docs/man/acre-bench.1
    docs/man/acre-partitions.1
    DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/man/acre.3 docs/man/acre_heap.3 docs/man/acre-pools.3
    DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
install(FILES docs/man/acre_options.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)

install(EXPORT acre-targets NAMESPACE acre:: DESTINATION ${ACRE_PACKAGE_DIR})
configure_package_config_file(cmake/acre-config.cmake.in acre-config.cmake
    INSTALL_DESTINATION ${ACRE_PACKAGE_DIR})
write_basic_package_version_file(acre-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/acre-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/acre-config-version.cmake DESTINATION ${ACRE_PACKAGE_DIR})

# acre.pc names the prefix, which may be chosen as late as `cmake --install --prefix`: it is made then.
foreach(dir LIBDIR INCLUDEDIR)
    set(ACRE_PC_${dir} ${CMAKE_INSTALL_${dir}})
    if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
        set(ACRE_PC_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
    endif()
endforeach()
install(CODE "
    set(PROJECT_VERSION \"${PROJECT_VERSION}\")
    set(ACRE_PC_LIBDIR [[${ACRE_PC_LIBDIR}]])
    set(ACRE_PC_INCLUDEDIR [[${ACRE_PC_INCLUDEDIR}]])
    configure_file([[${PROJECT_SOURCE_DIR}/cmake/acre.pc.in]]
        [[${CMAKE_CURRENT_BINARY_DIR}/acre.pc]] @ONLY)
    configure_file([[${PROJECT_SOURCE_DIR}/cmake/acre-pools.pc.in]]
        [[${CMAKE_CURRENT_BINARY_DIR}/acre-pools.pc]] @ONLY)")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/acre.pc ${CMAKE_CURRENT_BINARY_DIR}/acre-pools.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

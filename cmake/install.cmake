# cmake --install: where Debian users expect things. /usr and /usr/local are configured in /etc; any other prefix in PREFIX/etc.
# The prefix may be given only now (--prefix), so that whatever depends on it is decided by the install script. It honours DESTDIR.
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
  WORLD_EXECUTE)
install(TARGETS sluiced sluicectl RUNTIME DESTINATION bin)

install(DIRECTORY conf/ DESTINATION share/doc/sluice/examples)
install(FILES README.md DESTINATION share/doc/sluice OPTIONAL)
install(DIRECTORY docs/ DESTINATION share/doc/sluice/docs)
# changelog is the name of the package's own.
install(FILES CHANGELOG.md DESTINATION share/doc/sluice RENAME NEWS.md OPTIONAL)
install(FILES systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME sluice.conf)
install(FILES systemd/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME sluice.conf)

install(CODE "set(sluice_source \"${CMAKE_SOURCE_DIR}\")
set(sluice_programs \"${CMAKE_RUNTIME_OUTPUT_DIRECTORY}\")
set(sluice_scratch \"${CMAKE_BINARY_DIR}/install\")")
install(SCRIPT cmake/install_etc.cmake)

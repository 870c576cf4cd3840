# Run by cmake --install: the files whose place or text depends on the prefix.
# CMAKE_INSTALL_PREFIX, sluice_source and sluice_scratch are set by the caller.
set(sysconf "${CMAKE_INSTALL_PREFIX}/etc")
if(CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?$")
  set(sysconf "/etc")
endif()

# The units name their programs, configuration and documents by absolute path.
set(work "${sluice_source}/systemd")
foreach(unit sluice.service sluice.socket)
  file(READ "${work}/${unit}" text)
  string(REPLACE "/usr/" "${CMAKE_INSTALL_PREFIX}/" text "${text}")
  string(REPLACE "/etc/sluice/" "${sysconf}/sluice/" text "${text}")
  file(WRITE "${sluice_scratch}/${unit}" "${text}")
  file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system" TYPE FILE FILES "${sluice_scratch}/${unit}")
endforeach()

file(INSTALL DESTINATION "${sysconf}/logrotate.d" TYPE FILE RENAME sluice FILES "${work}/logrotate")

# The operator's configuration is never touched.
set(config "$ENV{DESTDIR}${sysconf}/sluice/sluice.yaml")
if(EXISTS "${config}")
  message(STATUS "Kept: ${config}")
else()
  file(INSTALL DESTINATION "${sysconf}/sluice" TYPE FILE RENAME sluice.yaml FILES "${sluice_source}/conf/minimal.yaml")
endif()

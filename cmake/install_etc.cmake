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

# What the programs say of themselves: manual pages, completion.
set(man "${sluice_scratch}/man")
file(REMOVE_RECURSE "${man}")
file(MAKE_DIRECTORY "${man}")
foreach(program sluiced sluicectl)
  execute_process(COMMAND "${sluice_programs}/${program}" __man "${man}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
foreach(section 1 5 8)
  file(GLOB pages "${man}/*.${section}")
  execute_process(COMMAND gzip -9n ${pages} COMMAND_ERROR_IS_FATAL ANY)
  list(TRANSFORM pages APPEND .gz)
  file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/share/man/man${section}" TYPE FILE FILES ${pages})
endforeach()

function(install_completion shell folder name)
  execute_process(COMMAND "${sluice_programs}/sluicectl" completion ${shell} OUTPUT_FILE "${sluice_scratch}/${name}"
                  COMMAND_ERROR_IS_FATAL ANY)
  file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/share/${folder}" TYPE FILE FILES "${sluice_scratch}/${name}")
endfunction()
install_completion(bash bash-completion/completions sluicectl)
install_completion(zsh zsh/vendor-completions _sluicectl)
install_completion(fish fish/vendor_completions.d sluicectl.fish)

# cpack -G DEB (`./dev package`): what cmake --install lays down below /usr and /etc, as a package of Debian's.
file(STRINGS control/protocol/version.hpp sluice_date REGEX "kVersionDate = ")
string(REGEX REPLACE ".*\"(.*)\".*" "\\1" sluice_date "${sluice_date}")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)  # /etc is outside of the prefix
set(CPACK_STRIP_FILES ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "Sluice authors <sluice@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "traffic-shifting HTTP reverse proxy")
set(CPACK_PACKAGE_DESCRIPTION "Stands in front of pools of backends and shifts traffic between them by
command: canaries that get exactly their share, blue/green cutover,
draining, rollback and rollouts that gates judge.")
# Debian has a package of this name, a pipe that limits its rate, in a version that apt takes for a newer one: it would replace ours.
set(CPACK_DEBIAN_PACKAGE_EPOCH 1)
set(CPACK_DEBIAN_PACKAGE_SECTION httpd)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS
    "systemd | systemd-standalone-sysusers | systemd-sysusers, systemd | systemd-standalone-tmpfiles | systemd-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS logrotate)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(sluice_debian ${CMAKE_SOURCE_DIR}/cmake/debian)
file(WRITE ${CMAKE_BINARY_DIR}/debian/conffiles "/etc/logrotate.d/sluice\n/etc/sluice/sluice.yaml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${sluice_debian}/postinst ${sluice_debian}/prerm ${sluice_debian}/postrm
    ${CMAKE_BINARY_DIR}/debian/conffiles)

# Only of the package: cmake --install asks nothing of Debian.
set(CPACK_INSTALL_SCRIPTS "")
configure_file(cmake/package_files.cmake.in package_files.cmake @ONLY)
set(CPACK_INSTALL_SCRIPTS ${CMAKE_BINARY_DIR}/package_files.cmake)
include(CPack)

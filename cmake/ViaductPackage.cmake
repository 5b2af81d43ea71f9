# scripts/package: a Debian package of the release, by CPack. Its config starts and is in nobody's way; nothing is
# started by the installation.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME viaduct)
set(CPACK_PACKAGE_VENDOR Viaduct)
set(CPACK_PACKAGE_CONTACT "Viaduct maintainers <maintainers@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "TLS-terminating reverse proxy that alters nothing and loses nothing")
set(CPACK_PACKAGE_DESCRIPTION
  "Viaduct takes the place of a web server whose application has moved: public
URLs stay as they are, the traffic crosses to the new server unchanged, the
pages that stay are served from here. Callbacks of payment and messaging
platforms get the answer of the application, or the platform's own form of
failure.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_SOURCE_DIR}/packaging/pack.cmake")

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_COMPONENTS_ALL program operation package)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION httpd)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Libraries come by dpkg-shlibdeps; passwd has useradd for the scripts, ca-certificates those that upstreams are
# verified by.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, passwd")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS logrotate)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${CMAKE_SOURCE_DIR}/packaging/postinst" "${CMAKE_SOURCE_DIR}/packaging/prerm" "${CMAKE_SOURCE_DIR}/packaging/postrm"
  "${CMAKE_SOURCE_DIR}/packaging/conffiles")
include(CPack)

# cmake --install build/release [--prefix /usr]: the program, the unit with the path of this prefix, its user, the
# shipped config as an example. /etc/viaduct is filled where it has no viaduct.yaml, and left alone where it has one.
# Components: program; operation, all the rest.
if(TARGET viaduct)
  install(TARGETS viaduct RUNTIME DESTINATION bin COMPONENT program)
endif()

install(CODE "
  file(READ \"${CMAKE_SOURCE_DIR}/systemd/viaduct.service\" unit)
  string(REPLACE /usr/ \"\${CMAKE_INSTALL_PREFIX}/\" unit \"\${unit}\")
  file(WRITE \"${CMAKE_BINARY_DIR}/installed/viaduct.service\" \"\${unit}\")
  file(INSTALL \"${CMAKE_BINARY_DIR}/installed/viaduct.service\"
    DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system\")" COMPONENT operation)
install(FILES systemd/viaduct.sysusers DESTINATION lib/sysusers.d RENAME viaduct.conf COMPONENT operation)

install(FILES README.md CHANGELOG.md DESTINATION share/doc/viaduct COMPONENT operation)
install(DIRECTORY conf/ DESTINATION share/doc/viaduct/conf COMPONENT operation)
install(CODE "
  set(folder \"/etc/viaduct\")
  if(NOT EXISTS \"\$ENV{DESTDIR}\${folder}/viaduct.yaml\")
    file(INSTALL \"${CMAKE_SOURCE_DIR}/conf/\" DESTINATION \"\${folder}\")
  endif()" COMPONENT operation)

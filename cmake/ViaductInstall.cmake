# cmake --install build/release [--prefix /usr]: the program, the unit with the path of this prefix, its user, manual
# pages, completions, documents, the shipped config as an example. /etc/viaduct is filled where it has no viaduct.yaml,
# and left alone where it has one; so are the rules for logrotate.
# Components: program, with what it prints of itself; operation, all that goes with it; config, what lies in /etc;
# package, what only a package needs (cmake/ViaductPackage.cmake).
if(TARGET viaduct)
  install(TARGETS viaduct RUNTIME DESTINATION bin COMPONENT program)

  # viaduct_install_printed(FILE DESTINATION ARGUMENT…): what `viaduct reference ARGUMENT…` prints, as a file.
  function(viaduct_install_printed file destination)
    list(JOIN ARGN " " arguments)
    install(CODE "
      execute_process(COMMAND \"$<TARGET_FILE:viaduct>\" reference ${arguments}
        OUTPUT_FILE \"${CMAKE_BINARY_DIR}/installed/${file}\" COMMAND_ERROR_IS_FATAL ANY)
      file(INSTALL \"${CMAKE_BINARY_DIR}/installed/${file}\"
        DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${destination}\")" COMPONENT program)
  endfunction()
  file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/installed")
  viaduct_install_printed(viaduct.yaml.5 share/man/man5 --man 5)
  viaduct_install_printed(viaduct.8 share/man/man8 --man 8)
  viaduct_install_printed(viaduct share/bash-completion/completions --completion bash)
  viaduct_install_printed(_viaduct share/zsh/vendor-completions --completion zsh)
endif()

install(CODE "
  file(READ \"${CMAKE_SOURCE_DIR}/systemd/viaduct.service\" unit)
  string(REPLACE /usr/ \"\${CMAKE_INSTALL_PREFIX}/\" unit \"\${unit}\")
  file(WRITE \"${CMAKE_BINARY_DIR}/installed/viaduct.service\" \"\${unit}\")
  file(INSTALL \"${CMAKE_BINARY_DIR}/installed/viaduct.service\"
    DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system\")" COMPONENT operation)
install(FILES systemd/viaduct.sysusers DESTINATION lib/sysusers.d RENAME viaduct.conf COMPONENT operation)
install(FILES packaging/viaduct.tmpfiles DESTINATION lib/tmpfiles.d RENAME viaduct.conf COMPONENT operation)

# As they lie in the source, so that their links hold.
install(FILES README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md DESTINATION share/doc/viaduct COMPONENT operation)
install(DIRECTORY conf docs certs.example DESTINATION share/doc/viaduct COMPONENT operation USE_SOURCE_PERMISSIONS)
install(CODE "
  set(folder \"/etc/viaduct\")
  if(NOT EXISTS \"\$ENV{DESTDIR}\${folder}/viaduct.yaml\")
    foreach(part viaduct.yaml conf.d errors www)
      file(INSTALL \"${CMAKE_SOURCE_DIR}/conf/\${part}\" DESTINATION \"\${folder}\")
    endforeach()
  endif()
  if(NOT EXISTS \"\$ENV{DESTDIR}/etc/logrotate.d/viaduct\")
    file(INSTALL \"${CMAKE_SOURCE_DIR}/conf/logrotate.conf\" DESTINATION \"/etc/logrotate.d\" RENAME viaduct)
  endif()" COMPONENT config)

install(FILES packaging/copyright DESTINATION share/doc/viaduct COMPONENT package EXCLUDE_FROM_ALL)
install(FILES packaging/viaduct.yaml DESTINATION /etc/viaduct COMPONENT package EXCLUDE_FROM_ALL)
install(FILES conf/conf.d/README.md DESTINATION /etc/viaduct/conf.d COMPONENT package EXCLUDE_FROM_ALL)
install(FILES conf/logrotate.conf DESTINATION /etc/logrotate.d RENAME viaduct COMPONENT package EXCLUDE_FROM_ALL)

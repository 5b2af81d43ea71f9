# What Debian's policy asks of a package beyond what `cmake --install` does: compressed manual pages and changelogs.
# CPack runs it when the files are in their place and before it makes the package of them; a test does too.
# REQUIRES: CPACK_TEMPORARY_DIRECTORY, with the files somewhere below; CPACK_PACKAGE_VERSION, CPACK_PACKAGE_CONTACT and
# CPACK_DEBIAN_PACKAGE_RELEASE.

# Without name and time, so that the same files make the same package.
function(compress file)
  execute_process(COMMAND gzip -9n "${file}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(GLOB_RECURSE files "${CPACK_TEMPORARY_DIRECTORY}/*")
foreach(file IN LISTS files)
  get_filename_component(folder "${file}" DIRECTORY)
  if(file MATCHES "/share/man/man[1-9]/[^/]+[.][1-9]$")
    compress("${file}")
  elseif(file MATCHES "/share/doc/viaduct/CHANGELOG[.]md$")
    file(RENAME "${file}" "${folder}/changelog")
    compress("${folder}/changelog")
    # SOURCE_DATE_EPOCH counts where it is set.
    string(TIMESTAMP time "%a, %d %b %Y %H:%M:%S +0000" UTC)
    file(WRITE "${folder}/changelog.Debian"
      "viaduct (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) stable; urgency=medium\n\n"
      "  * Made by scripts/package. What is new: changelog.gz.\n\n"
      " -- ${CPACK_PACKAGE_CONTACT}  ${time}\n")
    file(CHMOD "${folder}/changelog.Debian" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
    compress("${folder}/changelog.Debian")
  endif()
endforeach()

# viaduct_folder(NAME [BELOW folders…] [LIBRARIES …]): the static library of src/NAME with its subfolders. The calls
# stand in the order of the floors; a folder links only what lies beneath it, and names its third-party libraries here
# alone. VIADUCT_FOLDERS lists every folder for the tests.
#
# With VIADUCT_PRECOMPILE the heaviest headers of the standard library are compiled once for all folders, which halves
# the time to build. Release builds and clang-tidy go without, so that a forgotten include does not stay hidden.
if(VIADUCT_PRECOMPILE)
  file(WRITE "${CMAKE_BINARY_DIR}/precompiled.cc" "")
  add_library(viaduct_headers OBJECT "${CMAKE_BINARY_DIR}/precompiled.cc")
  target_link_libraries(viaduct_headers PRIVATE viaduct_options spdlog::spdlog fmt::fmt)
  target_precompile_headers(viaduct_headers PRIVATE <algorithm> <chrono> <expected> <functional> <map> <memory> <mutex>
    <optional> <string> <string_view> <unordered_map> <variant> <vector> <fmt/format.h>)
endif()

function(viaduct_folder name)
  cmake_parse_arguments(arg "" "" "BELOW;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.cc" "${CMAKE_SOURCE_DIR}/src/${name}/*/*.cc")
  file(GLOB headers CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.h" "${CMAKE_SOURCE_DIR}/src/${name}/*/*.h")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  if(sources)
    add_library(viaduct_${name} STATIC ${sources} ${headers})
    set(kind sources)
    if(name IN_LIST cold_folders)
      set(kind cold)
      # Small in a release.
      target_compile_options(viaduct_${name} PRIVATE $<$<CONFIG:Release>:-Os>)
    endif()
    viaduct_batch(viaduct_${name} ${kind} ${sources})
    set(scope PUBLIC)
    if(VIADUCT_PRECOMPILE)
      target_precompile_headers(viaduct_${name} REUSE_FROM viaduct_headers)
    endif()
  else()
    add_library(viaduct_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  list(TRANSFORM arg_BELOW PREPEND viaduct_)
  target_link_libraries(viaduct_${name} ${scope} viaduct_options ${arg_BELOW} ${arg_LIBRARIES})
  set(VIADUCT_FOLDERS ${VIADUCT_FOLDERS} ${name} PARENT_SCOPE)
endfunction()

# They run at the start and at a reload alone.
set(cold_folders config cli)

set(VIADUCT_FOLDERS)
viaduct_folder(base LIBRARIES spdlog::spdlog fmt::fmt OpenSSL::Crypto Threads::Threads)
viaduct_folder(os BELOW base LIBRARIES PkgConfig::libsystemd PkgConfig::libcrypt PkgConfig::libseccomp)
viaduct_folder(http BELOW base)
viaduct_folder(net BELOW os http base LIBRARIES PkgConfig::libevent PkgConfig::libcares)
viaduct_folder(config BELOW os http base LIBRARIES ${VIADUCT_YAML_CPP} nlohmann_json::nlohmann_json)
viaduct_folder(observe BELOW os http base LIBRARIES PkgConfig::prometheus)
viaduct_folder(tls BELOW net config observe os http base LIBRARIES OpenSSL::SSL OpenSSL::Crypto)
viaduct_folder(codec BELOW net config observe os http base LIBRARIES viaduct_llhttp PkgConfig::libnghttp2)
viaduct_folder(route BELOW net config observe os http base LIBRARIES PkgConfig::re2)
viaduct_folder(upstream BELOW tls codec route net config observe os http base)
viaduct_folder(exchange BELOW upstream tls codec route net config observe os http base)
viaduct_folder(filter BELOW exchange upstream tls codec route net config observe os http base)
viaduct_folder(action BELOW exchange upstream tls codec route net config observe os http base)
viaduct_folder(daemon BELOW filter action exchange upstream tls codec route net config observe os http base
  LIBRARIES nlohmann_json::nlohmann_json)
viaduct_folder(cli BELOW daemon filter action exchange upstream tls codec route net config observe os http base
  LIBRARIES CLI11::CLI11 nlohmann_json::nlohmann_json)

target_compile_definitions(viaduct_cli PUBLIC VIADUCT_VERSION="${PROJECT_VERSION}")

if(EXISTS "${CMAKE_SOURCE_DIR}/src/cli/main.cc")
  add_executable(viaduct "${CMAKE_SOURCE_DIR}/src/cli/main.cc")
  target_link_libraries(viaduct PRIVATE viaduct_cli)
endif()

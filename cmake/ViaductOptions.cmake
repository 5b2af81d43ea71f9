# Compiler options that every target of this project shares: warnings are errors, sanitizers by preset.
add_library(viaduct_options INTERFACE)
target_compile_options(viaduct_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wswitch-enum -Werror -fno-strict-aliasing -fstack-protector-strong)
target_include_directories(viaduct_options INTERFACE "${CMAKE_SOURCE_DIR}/src")

if(VIADUCT_SANITIZE)
  target_compile_options(viaduct_options INTERFACE
    "-fsanitize=${VIADUCT_SANITIZE}" -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(viaduct_options INTERFACE "-fsanitize=${VIADUCT_SANITIZE}")
endif()

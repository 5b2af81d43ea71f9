# Compiler options that every target of this project shares: warnings are errors, hardening, sanitizers by preset.
add_library(viaduct_options INTERFACE)
target_compile_options(viaduct_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wswitch-enum -fno-strict-aliasing -fstack-protector-strong -fPIE)
target_link_options(viaduct_options INTERFACE -pie -Wl,-z,relro,-z,now)
target_include_directories(viaduct_options INTERFACE "${CMAKE_SOURCE_DIR}/src")

# A release has the code alone that it calls, and says in a tenth of the space where it is to be relocated.
target_compile_options(viaduct_options INTERFACE $<$<CONFIG:Release>:-ffunction-sections -fdata-sections>)
target_link_options(viaduct_options INTERFACE $<$<CONFIG:Release>:-Wl,--gc-sections,-z,pack-relative-relocs>)

# Two dozen programs are linked for tests: by gold, in half of the time, where it is there. (mold and lld take members
# of archives in an order of their own, and with them what a fake needs that the test does not.)
find_program(VIADUCT_GOLD ld.gold)
if(VIADUCT_GOLD AND VIADUCT_TESTS AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_link_options(viaduct_options INTERFACE -fuse-ld=gold)
endif()

# The compiler of the project is GCC; clang compiles for fuzzing and tidy, which has its own list of errors.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(viaduct_options INTERFACE -Werror)
endif()

# In a batch these two speak of what another file of it declares. Preset dev compiles the files of all folders but the
# cold ones alone, with them, and release all.
target_compile_options(viaduct_options INTERFACE
  "$<$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>:-Wno-shadow;-Wno-subobject-linkage>")

# VIADUCT_IS_TEST, a property of targets: it is the program that is watched for undefined behaviour; its tests compile
# in two thirds of the time without.
if(VIADUCT_SANITIZE)
  string(REPLACE ",undefined" "" sanitize_tests "${VIADUCT_SANITIZE}")
  string(REPLACE "," "$<COMMA>" sanitize_others "${VIADUCT_SANITIZE}")
  target_compile_options(viaduct_options INTERFACE
    "-fsanitize=$<IF:$<BOOL:$<TARGET_PROPERTY:VIADUCT_IS_TEST>>,${sanitize_tests},${sanitize_others}>"
    -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(viaduct_options INTERFACE "-fsanitize=${VIADUCT_SANITIZE}")
endif()
if(VIADUCT_FUZZ)
  target_compile_options(viaduct_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

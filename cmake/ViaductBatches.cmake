# viaduct_batch(TARGET KIND FILE…): compiles those files of TARGET in batches of up to 16 where VIADUCT_BATCH has KIND:
# tests, cold (folders that run at the start and at a reload alone), or sources (all others). They then take a third of
# the time, and one changed file longer. Files that would clash by their names come into different batches:
# scripts/checks/batching.py says which.
function(viaduct_batch target kind)
  if(NOT kind IN_LIST VIADUCT_BATCH OR NOT ARGN)
    return()
  endif()
  find_program(VIADUCT_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
  execute_process(COMMAND "${VIADUCT_PYTHON}" -B "${CMAKE_SOURCE_DIR}/scripts/checks/batching.py" 16 ${ARGN}
    OUTPUT_VARIABLE lines OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" lines "${lines}")
  foreach(line IN LISTS lines)
    string(REGEX MATCH "^(.*)\t([0-9]+)$" line "${line}")
    set_source_files_properties("${CMAKE_MATCH_1}" PROPERTIES UNITY_GROUP "batch_${CMAKE_MATCH_2}")
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

// SPDX-License-Identifier: Apache-2.0
#include "daemon/loading.h"

#include <set>
#include <utility>

#include "daemon/part_checks.h"

namespace viaduct::daemon {
namespace {

// Adds to the problems of a load what was found afterwards. Where routes or sites have a part in common, each of them
// has its fault.
void add_problems(std::vector<config::Problem> found, config::LoadResult& loaded) {
  std::set<std::pair<std::string, std::string>> told;
  for (config::Problem& problem : found) {
    locate(problem, loaded.places);
    if (told.emplace(problem.key, problem.message).second) loaded.problems.push_back(std::move(problem));
  }
  config::sort_problems(loaded.problems, loaded.sources);
}

}  // namespace

LoadedConfig load_and_build(const std::string& file, const config::LoadOptions& options, const BuildSetup& setup) {
  LoadedConfig result{.loaded = config::load_file(file, options), .built = {}};
  config::LoadResult& loaded = result.loaded;
  if (loaded.config != nullptr) {
    result.built = build_snapshot(*loaded.config, setup.version, setup.ticket_keys, setup.now, setup.served);
    add_problems(result.built.problems, loaded);
  } else if (loaded.readable != nullptr) {
    add_problems(check_readable_parts(loaded, setup.ticket_keys, setup.now), loaded);
  }
  return result;
}

}  // namespace viaduct::daemon

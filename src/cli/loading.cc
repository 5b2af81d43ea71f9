// SPDX-License-Identifier: Apache-2.0
#include "cli/loading.h"

#include <cstdio>

namespace viaduct::cli {

LoadedConfig load_and_build(const std::string& file, tls::TicketKeys& ticket_keys) {
  LoadedConfig result{.loaded = config::load_file(file), .built = {}};
  if (result.loaded.config == nullptr) return result;
  const base::SystemClock clock;
  result.built = daemon::build_snapshot(*result.loaded.config, 1, ticket_keys, clock.wall_now());
  for (config::Problem& problem : result.built.problems) {
    // The builder knows the key, the loader where it stands.
    if (result.loaded.places.has(problem.key)) problem.place = result.loaded.places.value(problem.key);
    result.loaded.problems.push_back(problem);
  }
  config::sort_problems(result.loaded.problems, result.loaded.sources);
  return result;
}

void print_problems(const config::LoadResult& loaded) {
  const std::string text = config::render_problems(loaded.problems, loaded.sources);
  std::fputs(text.c_str(), stderr);
}

}  // namespace viaduct::cli

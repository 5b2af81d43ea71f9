// SPDX-License-Identifier: Apache-2.0
#include "cli/loading.h"

#include <algorithm>
#include <cstdio>

namespace viaduct::cli {

LoadedConfig load_and_build(const std::string& file, tls::TicketKeys& ticket_keys) {
  LoadedConfig result{.loaded = config::load_file(file), .built = {}};
  if (result.loaded.config == nullptr) return result;
  const base::SystemClock clock;
  result.built = daemon::build_snapshot(*result.loaded.config, 1, ticket_keys, clock.wall_now());
  std::ranges::copy(result.built.problems, std::back_inserter(result.loaded.problems));
  config::sort_problems(result.loaded.problems, result.loaded.sources);
  return result;
}

void print_problems(const config::LoadResult& loaded) {
  const std::string text = config::render_problems(loaded.problems, loaded.sources);
  std::fputs(text.c_str(), stderr);
}

}  // namespace viaduct::cli

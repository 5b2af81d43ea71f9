// SPDX-License-Identifier: Apache-2.0
#include "cli/loading.h"

#include <cstdio>

namespace viaduct::cli {

LoadedConfig load_and_build(const std::string& file, tls::TicketKeys& ticket_keys) {
  return daemon::load_and_build(file, {}, {.ticket_keys = ticket_keys, .now = base::SystemClock().wall_now()});
}

LoadedConfig load_for_question(const std::string& file, tls::TicketKeys& ticket_keys) {
  config::LoadOptions options;
  options.forgives_files = true;
  return daemon::load_and_build(
      file, options, {.ticket_keys = ticket_keys, .now = base::SystemClock().wall_now(), .opens_no_files = true});
}

void print_problems(const config::LoadResult& loaded) {
  const std::string text = config::render_problems(loaded.problems, loaded.sources);
  std::fputs(text.c_str(), stderr);
}

}  // namespace viaduct::cli

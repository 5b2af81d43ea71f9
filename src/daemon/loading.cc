// SPDX-License-Identifier: Apache-2.0
#include "daemon/loading.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "daemon/part_checks.h"

namespace viaduct::daemon {
namespace {

using base::format;

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

// `text` without its last line end, and of a longer one the lines that fit.
std::string cut_lines(std::string text, std::size_t bytes_max) {
  constexpr std::string_view kCut = "\nand more: viaduct check prints them";
  if (text.ends_with('\n')) text.pop_back();
  if (text.size() <= bytes_max) return text;
  text.resize(std::min(text.rfind('\n', bytes_max - kCut.size()), bytes_max - kCut.size()));
  return text.append(kCut);
}

}  // namespace

LoadedConfig load_and_build(const std::string& file, const config::LoadOptions& options, const BuildSetup& setup) {
  LoadedConfig result{.loaded = config::load_file(file, options), .built = {}};
  config::LoadResult& loaded = result.loaded;
  if (loaded.config != nullptr) {
    loaded.config->opens_no_files = setup.opens_no_files;
    result.built = build_snapshot(*loaded.config, setup.version, setup.ticket_keys, setup.now, setup.served);
    add_problems(result.built.problems, loaded);
  } else if (loaded.readable != nullptr) {
    add_problems(check_readable_parts(loaded, setup.ticket_keys, setup.now), loaded);
  }
  return result;
}

Refusal describe_refusal(const std::vector<config::Problem>& problems, const config::Sources& sources) {
  std::vector<std::string> errors;
  for (const config::Problem& problem : problems) {
    if (problem.severity != config::Severity::kError) continue;
    const std::string rendered = config::render_problem(problem, sources);
    errors.push_back(rendered.substr(0, rendered.find('\n')));
  }
  if (errors.empty()) errors.emplace_back("it cannot be read");
  Refusal refusal;
  const std::size_t count = errors.size();
  refusal.first = count == 1 ? errors[0] : format("{} (and {} more)", errors[0], count - 1);
  refusal.text = cut_lines(format("the config is not usable ({})\n{}", config::count_problems(problems),
                                  config::render_problems(problems, sources)),
                           Refusal::kTextBytesMax);
  refusal.lines = std::move(errors);
  if (count > Refusal::kLinesMax) {
    refusal.lines.resize(Refusal::kLinesMax);
    refusal.lines.push_back(format("and {} more", count - Refusal::kLinesMax));
  }
  return refusal;
}

}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
// What is wrong with a config, and how it is shown: one line `FILE:LINE:COL: key.path: what is wrong; what to do`, the
// source line, and a caret under it. Filled by the readers and checks of config/, and by those above that know what
// config/ does not (certificates, regular expressions). Cold path; one thread.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/types.h"

namespace viaduct::config {

enum class Severity : std::uint8_t {
  kWarning,  // the config loads; the operator should know
  kError,    // the config does not load
};

// One thing to say about a config.
struct Problem {
  Place place;
  std::string key;      // "sites[0].routes[2].timeouts.read"; empty where no key is meant
  std::string message;  // "what is wrong; what to do", without secrets
  Severity severity = Severity::kError;
  // The text is good, but a file or directory that it names is not there or cannot be used.
  bool is_about_file = false;
};

// The texts of the files that were read, in the order in which they were, for showing lines of them.
class Sources {
 public:
  void add(std::string file, std::string text);
  // Line `number` (from 1) without its end; empty when the file or the line is not known. Lives as long as this object
  // and no further add().
  std::string_view line(std::string_view file, int number) const;
  // Where `file` stands in the order of reading; behind all when it is not known.
  std::size_t order(std::string_view file) const;
  // Names and texts, the main file first.
  const std::vector<std::pair<std::string, std::string>>& files() const { return files_; }

 private:
  std::vector<std::pair<std::string, std::string>> files_;
};

bool has_errors(const std::vector<Problem>& problems);
// "1 error, 2 warnings".
std::string count_problems(const std::vector<Problem>& problems);
// Puts problems into the order of the files, lines and columns.
void sort_problems(std::vector<Problem>& problems, const Sources& sources);
// The lines for one problem, with a final line end. Warnings say "warning: " before the key.
std::string render_problem(const Problem& problem, const Sources& sources);
// All of them, one after the other; at most kRenderedProblems, and how many are left out.
std::string render_problems(const std::vector<Problem>& problems, const Sources& sources);
inline constexpr std::size_t kRenderedProblems = 200;
// An array of objects with file, line, column, key, message, and severity ("error" or "warning").
nlohmann::json problems_to_json(const std::vector<Problem>& problems);

}  // namespace viaduct::config

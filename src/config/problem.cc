// SPDX-License-Identifier: Apache-2.0
#include "config/problem.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <tuple>

#include "base/format.h"
#include "config/utf8.h"

namespace viaduct::config {

namespace {

// A longer source line is shown around the caret alone.
constexpr int kShownColumns = 160;
constexpr int kColumnsBeforeCaret = 100;

// The part of a source line that is shown, and the column of the caret in it.
struct Excerpt {
  std::string_view text;
  int column = 1;
};

Excerpt cut_around(std::string_view line, int column) {
  const int columns = column_of_offset(line, line.size()) - 1;
  const int first = columns > kShownColumns && column > kColumnsBeforeCaret ? column - kColumnsBeforeCaret : 0;
  line.remove_prefix(offset_of_column(line, first + 1));
  return {.text = line.substr(0, offset_of_column(line, kShownColumns + 1)), .column = column - first};
}

// Blanks as wide as the first column-1 code points of `text`, and a caret.
std::string caret_under(std::string_view text, int column) {
  std::string caret;
  for (int current = 1; current < column; ++current) {
    if (text.empty()) {
      caret += ' ';
      continue;
    }
    const CodePoint point = first_code_point(text);
    caret.append(static_cast<std::size_t>(visible_width(point)), point.value == '\t' ? '\t' : ' ');
    text.remove_prefix(point.length);
  }
  return caret + "^\n";
}

}  // namespace

void Sources::add(std::string file, std::string text) {
  files_.emplace_back(std::move(file), std::move(text));
}

std::string_view Sources::line(std::string_view file, int number) const {
  const std::size_t index = order(file);
  if (index == files_.size() || number < 1) return {};
  std::string_view rest = files_[index].second;
  for (int skipped = 1; skipped < number; ++skipped) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  // A byte order mark takes no column in an editor.
  if (number == 1 && rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  return rest;
}

std::size_t Sources::order(std::string_view file) const {
  const auto found = std::ranges::find(files_, file, [](const auto& entry) -> std::string_view { return entry.first; });
  return static_cast<std::size_t>(found - files_.begin());
}

bool has_errors(const std::vector<Problem>& problems) {
  return std::ranges::any_of(problems, [](const Problem& problem) { return problem.severity == Severity::kError; });
}

std::string count_problems(const std::vector<Problem>& problems) {
  const auto errors = std::ranges::count(problems, Severity::kError, &Problem::severity);
  const auto warnings = std::ssize(problems) - errors;
  return base::format("{} error{}, {} warning{}", errors, errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
}

void sort_problems(std::vector<Problem>& problems, const Sources& sources) {
  std::ranges::stable_sort(problems, {}, [&sources](const Problem& problem) {
    return std::tuple(sources.order(problem.place.file), problem.place.line, problem.place.column);
  });
}

std::string render_problem(const Problem& problem, const Sources& sources) {
  const Place& place = problem.place;
  std::string text = visible(place.file);
  if (place.line > 0) text += base::format(":{}:{}", place.line, place.column);
  text += problem.severity == Severity::kWarning ? ": warning: " : ": ";
  if (!problem.key.empty()) text += visible(problem.key) + ": ";
  text += visible(problem.message) + "\n";
  const std::string_view line = sources.line(place.file, place.line);
  if (line.empty()) return text;
  const Excerpt excerpt = cut_around(line, place.column);
  text += visible(excerpt.text, true) + "\n";
  return text + caret_under(excerpt.text, excerpt.column);
}

std::string render_problems(const std::vector<Problem>& problems, const Sources& sources) {
  std::string text;
  for (const Problem& problem : std::span(problems).first(std::min(problems.size(), kRenderedProblems))) {
    text += render_problem(problem, sources);
  }
  if (problems.size() > kRenderedProblems) text += base::format("and {} more\n", problems.size() - kRenderedProblems);
  return text;
}

nlohmann::json problems_to_json(const std::vector<Problem>& problems) {
  nlohmann::json list = nlohmann::json::array();
  for (const Problem& problem : problems) {
    list.push_back({{"file", problem.place.file},
                    {"line", problem.place.line},
                    {"column", problem.place.column},
                    {"key", problem.key},
                    {"message", problem.message},
                    {"severity", problem.severity == Severity::kError ? "error" : "warning"}});
  }
  return list;
}

}  // namespace viaduct::config

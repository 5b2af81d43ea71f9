// SPDX-License-Identifier: Apache-2.0
#include "config/reading.h"

#include <algorithm>

#include "base/format.h"

namespace viaduct::config {

namespace {

Place find_place(const std::map<std::string, Place, std::less<>>& places, const std::string& path) {
  const auto found = places.find(path);
  return found == places.end() ? Place{} : found->second;
}

bool is_same_place(const Place& left, const Place& right) {
  return left.line == right.line && left.column == right.column && left.file == right.file;
}

}  // namespace

Place Places::key(const std::string& path) const {
  return find_place(keys_, path);
}

Place Places::value(const std::string& path) const {
  return find_place(values_, path);
}

Place Places::nearest(std::string path) const {
  while (!path.empty()) {
    if (const auto found = values_.find(path); found != values_.end()) return found->second;
    const std::size_t step = path.find_last_of(".[");
    path.resize(step == std::string::npos ? 0 : step);
  }
  return find_place(values_, "");
}

std::vector<std::string> Places::paths() const {
  std::vector<std::string> paths;
  paths.reserve(values_.size());
  for (const auto& [path, place] : values_) paths.push_back(path);
  return paths;
}

void Reading::add(Problem problem) {
  name(problem);
  if (mended_lines_.contains({problem.place.file, problem.place.line})) return;
  const auto is_told = [&problem](const Problem& other) {
    return other.severity == Severity::kError && is_same_place(other.place, problem.place) && other.key == problem.key;
  };
  const bool is_first_error = problem.severity == Severity::kError && !has_errors();
  if (problems_.size() >= kProblemsMax && !is_first_error) return;
  // A second error about the same thing is a consequence of the first.
  if (std::ranges::any_of(problems_, is_told)) return;
  problems_.push_back(std::move(problem));
}

void Reading::name(Problem& problem) {
  if (problem.key.empty() && problem.place.line > 0) problem.key = "yaml";
}

void Reading::error_at(const std::string& path, std::string message) {
  add({.place = places_.nearest(path), .key = path, .message = std::move(message), .severity = Severity::kError});
}

void Reading::warn_at(const std::string& path, std::string message) {
  add({.place = places_.nearest(path), .key = path, .message = std::move(message), .severity = Severity::kWarning});
}

void Reading::file_error_at(const std::string& path, std::string message) {
  file_error(places_.nearest(path), path, std::move(message));
}

void Reading::file_error(const Place& place, const std::string& path, std::string message) {
  add({.place = place,
       .key = path,
       .message = std::move(message),
       .severity = forgives_files_ ? Severity::kWarning : Severity::kError,
       .is_about_file = true});
}

void Reading::add_text_problems(std::vector<Problem> problems) {
  for (Problem& problem : problems) {
    mended_lines_.emplace(problem.place.file, problem.place.line);
    name(problem);
    problems_.push_back(std::move(problem));
  }
}

Scope Scope::at_key(const Entry& entry) const {
  const Scope inner = step("." + entry.key, "." + entry.key);
  reading_->places().set_key(inner.path_, entry.key_place);
  reading_->places().set_value(inner.path_, entry.value.place);
  return inner;
}

Scope Scope::at_name(const Entry& entry) const {
  const Scope inner = step("." + entry.key, ".*");
  reading_->places().set_key(inner.path_, entry.key_place);
  reading_->places().set_value(inner.path_, entry.value.place);
  return inner;
}

Scope Scope::at_index(std::size_t index, const Node& item) const {
  const Scope inner = step(base::format("[{}]", index), "[]");
  reading_->places().set_key(inner.path_, item.place);
  reading_->places().set_value(inner.path_, item.place);
  return inner;
}

Scope Scope::as_partial() const {
  Scope partial = *this;
  partial.is_partial_ = true;
  return partial;
}

void Scope::error(const Place& place, std::string message) const {
  reading_->add({.place = place, .key = path_, .message = std::move(message), .severity = Severity::kError});
}

void Scope::file_error(const Place& place, std::string message) const {
  reading_->file_error(place, path_, std::move(message));
}

void Scope::warn(const Place& place, std::string message) const {
  reading_->add({.place = place, .key = path_, .message = std::move(message), .severity = Severity::kWarning});
}

Scope Scope::step(std::string_view path_step, std::string_view kind_step) const {
  Scope inner = *this;
  // The first key has no dot before it.
  if (path_.empty() && path_step.starts_with('.')) path_step.remove_prefix(1);
  if (kind_.empty() && kind_step.starts_with('.')) kind_step.remove_prefix(1);
  inner.path_ += path_step;
  inner.kind_ += kind_step;
  return inner;
}

}  // namespace viaduct::config

// SPDX-License-Identifier: Apache-2.0
#include "config/match_rules.h"

#include <algorithm>

#include "base/bytes.h"

namespace viaduct::config {

namespace {

using Values = std::map<std::string, std::string>;
using SameName = bool (*)(std::string_view, std::string_view);

bool equal_exactly(std::string_view left, std::string_view right) {
  return left == right;
}

const std::string* find_value(const Values& values, const std::string& name, SameName is_same) {
  const auto found = std::ranges::find_if(values, [&](const auto& entry) { return is_same(entry.first, name); });
  return found == values.end() ? nullptr : &found->second;
}

// No name is asked for with two different values.
bool can_agree(const Values& left, const Values& right, SameName is_same) {
  return std::ranges::all_of(left, [&](const auto& entry) {
    const std::string* other = find_value(right, entry.first, is_same);
    return other == nullptr || *other == entry.second;
  });
}

// Everything that `right` asks for is asked for by `left`.
bool asks_all_of(const Values& left, const Values& right, SameName is_same) {
  return std::ranges::all_of(right, [&](const auto& entry) {
    const std::string* other = find_value(left, entry.first, is_same);
    return other != nullptr && *other == entry.second;
  });
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

int condition_count(const Match& match) {
  return (match.methods.empty() ? 0 : 1) + static_cast<int>(match.headers.size() + match.query.size());
}

std::vector<std::string> accepted_methods(const Match& match) {
  std::vector<std::string> methods = match.methods;
  if (contains(methods, "GET") && !contains(methods, "HEAD")) methods.emplace_back("HEAD");
  return methods;
}

bool conditions_overlap(const Match& left, const Match& right) {
  const std::vector<std::string> left_methods = accepted_methods(left);
  const std::vector<std::string> right_methods = accepted_methods(right);
  const bool share_method =
      left_methods.empty() || right_methods.empty() ||
      std::ranges::any_of(left_methods, [&](const std::string& method) { return contains(right_methods, method); });
  return share_method && can_agree(left.headers, right.headers, base::equals_ignoring_case) &&
         can_agree(left.query, right.query, equal_exactly);
}

bool takes_callback_requests(const Match& other, const Match& callback) {
  if (!callback.methods.empty()) return conditions_overlap(other, callback);
  Match requests = callback;
  requests.methods = {"POST"};
  return conditions_overlap(other, requests);
}

bool conditions_imply(const Match& narrow, const Match& wide) {
  const std::vector<std::string> narrow_methods = accepted_methods(narrow);
  const std::vector<std::string> wide_methods = accepted_methods(wide);
  const bool has_methods =
      wide_methods.empty() ||
      (!narrow_methods.empty() &&
       std::ranges::all_of(narrow_methods, [&](const std::string& method) { return contains(wide_methods, method); }));
  return has_methods && asks_all_of(narrow.headers, wide.headers, base::equals_ignoring_case) &&
         asks_all_of(narrow.query, wide.query, equal_exactly);
}

bool prefix_takes(std::string_view prefix, std::string_view path) {
  if (!path.starts_with(prefix)) return false;
  return prefix.ends_with('/') || path.size() == prefix.size() || path[prefix.size()] == '/';
}

bool deny_covers(std::string_view deny, std::string_view path) {
  if (deny == "/") return true;
  if (deny.ends_with('/')) deny.remove_suffix(1);
  return prefix_takes(deny, path);
}

}  // namespace viaduct::config

// SPDX-License-Identifier: Apache-2.0
#include "config/key_table.h"

#include <algorithm>

#include "base/format.h"
#include "config/foreign_words.h"
#include "config/spelling.h"

namespace viaduct::config {

namespace {

// `a:1` is text in YAML; the space is what makes it a map.
bool lacks_space_after_colon(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::size_t word_end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_");
  return colon != std::string::npos && colon > 0 && word_end == colon && colon + 1 < text.size();
}

// The paths, by kind, of all keys that are called `name`: "client.max_fields".
void collect_homes(const std::vector<KeyInfo>& keys, const std::string& prefix, std::string_view name,
                   std::vector<std::string>& homes) {
  for (const KeyInfo& key : keys) {
    const std::string path = prefix.empty() ? key.name : prefix + "." + key.name;
    // Route keys are told once, where they stand in a route.
    const bool is_copy = key.is_of_route && !prefix.ends_with("routes[]");
    if (key.name == name && !is_copy) homes.push_back(path);
    const TypeInfo* type = &key.type;
    std::string inner = path;
    if (!type->item.empty()) {
      inner += type->form == TypeInfo::Form::kMap ? ".NAME" : "[]";
      type = &type->item.front();
    }
    if (!is_copy) collect_homes(type->keys, inner, name, homes);
  }
}

std::vector<std::string> names_of(const std::vector<KeyInfo>& keys) {
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const KeyInfo& key : keys) names.push_back(key.name);
  return names;
}

std::string advise_on_unknown(const std::string& key, const std::vector<KeyInfo>& known, const Scope& scope) {
  if (const auto hint = foreign_word_hint(key, scope.kind()); !hint.empty()) {
    scope.reading().excuse(scope.path(), {});
    return std::string(hint);
  }
  if (lacks_space_after_colon(key)) return "a space is missing behind the colon";
  const std::vector<std::string> names = names_of(known);
  if (const std::string likely = nearest(key, names); !likely.empty()) {
    scope.reading().excuse(scope.path(), likely);
    return "did you mean \"" + likely + "\"?";
  }
  std::vector<std::string> homes;
  collect_homes(scope.reading().known(), "", key, homes);
  if (!homes.empty()) return "it belongs elsewhere: " + join_or(homes);
  return suggestion(key, names);
}

}  // namespace

bool expect_map(const Node& node, const Scope& scope) {
  if (node.is_map()) return true;
  const bool is_plain = node.is_scalar() && !node.is_quoted;
  const bool is_joined = is_plain && lacks_space_after_colon(node.text);
  const bool is_joined_item = is_plain && node.text.size() > 1 && node.text.starts_with('-');
  scope.error(node.place, base::format("this should be a map of keys and values, but it is {}; {}", describe(node),
                                       is_joined        ? "a space is missing behind the colon"
                                       : is_joined_item ? "a space is missing behind the dash"
                                                        : "write its keys below it, indented, or as { key: value }"));
  return false;
}

void report_unknown_keys(const Node& map, const std::vector<KeyInfo>& known, const Scope& scope) {
  for (const Entry& entry : map.entries) {
    const bool is_known = std::ranges::find(known, entry.key, &KeyInfo::name) != known.end();
    if (is_known || entry.key.empty()) continue;  // a key that is no text was told by the reader
    const std::string advice = advise_on_unknown(entry.key, known, scope);
    scope.at_key(entry).error(
        entry.key_place, base::format("unknown key \"{}\"; {}", entry.key,
                                      advice.empty() ? "see `viaduct reference` for those that are known" : advice));
  }
}

void check_exclusive(const Node& map, const std::vector<std::string>& exclusive, const Scope& scope) {
  std::vector<const Entry*> found;
  for (const Entry& entry : map.entries) {
    if (std::ranges::find(exclusive, entry.key) != exclusive.end()) found.push_back(&entry);
  }
  if (found.size() < 2) return;
  scope.at_key(*found[1]).error(
      found[1]->key_place, base::format("\"{}\" and \"{}\" (line {}) exclude each other; keep one of {}", found[1]->key,
                                        found[0]->key, found[0]->key_place.line, join_or(exclusive)));
}

void report_missing(const Place& place, const std::string& key, const Scope& scope) {
  if (scope.reading().is_excused(scope.path(), key)) return;
  scope.reading().add({.place = place,
                       .key = scope.path().empty() ? key : scope.path() + "." + key,
                       .message = base::format("\"{}\" is missing; add it", key)});
}

bool is_none(const Node& written) {
  switch (written.kind) {
    case Node::Kind::kNull: return true;
    case Node::Kind::kScalar: return written.text.empty();
    case Node::Kind::kList: return written.items.empty();
    case Node::Kind::kMap: return written.entries.empty();
  }
  return false;
}

std::string show_default(const Node& written) {
  return is_none(written) ? "none" : to_flow_text(written);
}

}  // namespace viaduct::config

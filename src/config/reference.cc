// SPDX-License-Identifier: Apache-2.0
#include "config/reference.h"

#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/format.h"
#include "config/key_table.h"
#include "config/resolve.h"
#include "config/root_keys.h"

namespace viaduct::config {

namespace {

constexpr std::string_view kHead =
    R"(Every key of the configuration, with its type, its default, and what it is for.

durations  500ms, 30s, 5m, 1h, 30d, 1m30s          sizes   bytes, or 64k, 10m, 1g (powers of 1024)
rates      50/s, 10/m, 5/h                         list    [a, b]; one item may stand without brackets
${NAME}    the environment variable NAME;          null    switches off what says "or null"
           ${NAME:-default} with a default
A path is relative to the directory of the config file. In headers, file:PATH takes a secret from a file.
Keys of a route also stand in its site and in `defaults`; a route inherits and overrides them: maps key by key, lists
and values as a whole.

)";

constexpr std::string_view kPlanned = "Planned: accepted and checked, not in effect in this version.";

std::string describe_type(const KeyInfo& key) {
  const TypeInfo& type = key.type;
  std::string text = type.name;
  if (!type.range.empty()) text += ", " + type.range;
  if (type.is_nullable) text += ", or null";
  if (key.is_required) return text + "; required";
  // A map's default is what its keys say, but one that may be off is on or off.
  if (type.form == TypeInfo::Form::kObject && type.is_nullable) {
    return text + (key.default_text == "none" ? "; default null" : "; on by default");
  }
  const bool shows_default = type.form != TypeInfo::Form::kObject && !key.default_text.empty();
  return shows_default ? text + "; default " + key.default_text : text;
}

void write_key(const KeyInfo& key, const std::string& path, std::string& text) {
  text += base::format("{}\n    {}\n    {}\n", path, describe_type(key), key.sentence);
  if (key.is_planned) text += base::format("    {}\n", kPlanned);
}

void write_keys(const std::vector<KeyInfo>& keys, const std::string& prefix, std::string& text) {
  bool has_told_route_keys = false;
  for (const KeyInfo& key : keys) {
    const bool is_told_elsewhere = key.is_of_route && !prefix.ends_with("routes[].");
    if (is_told_elsewhere && !has_told_route_keys) {
      text += base::format("{}*\n    Every key of sites[].routes[] but name and match; routes inherit it.\n", prefix);
      has_told_route_keys = true;
    }
    if (is_told_elsewhere) continue;
    std::string path = prefix + key.name;
    write_key(key, path, text);
    const TypeInfo* type = &key.type;
    if (!type->item.empty()) {
      path += type->form == TypeInfo::Form::kMap ? ".NAME" : "[]";
      type = &type->item.front();
    }
    write_keys(type->keys, path + ".", text);
  }
}

bool is_number(const std::string& text) {
  return base::parse_decimal(text).has_value() && (text.size() == 1 || text.front() != '0');
}

}  // namespace

std::string reference_text() {
  std::string text(kHead);
  write_keys(root_keys().infos(), "", text);
  return text;
}

Node dump(const Config& config) {
  return root_keys().writer().write(to_draft(config));
}

nlohmann::json to_json(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull: return nullptr;
    case Node::Kind::kScalar:
      if (node.is_quoted) return node.text;
      if (node.text == "true" || node.text == "false") return node.text == "true";
      if (is_number(node.text)) return *base::parse_decimal(node.text);
      return node.text;
    case Node::Kind::kList: {
      nlohmann::json list = nlohmann::json::array();
      for (const Node& item : node.items) list.push_back(to_json(item));
      return list;
    }
    case Node::Kind::kMap: {
      nlohmann::json map = nlohmann::json::object();
      for (const Entry& entry : node.entries) map[entry.key] = to_json(entry.value);
      return map;
    }
  }
  return nullptr;
}

}  // namespace viaduct::config

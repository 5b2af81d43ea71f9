// SPDX-License-Identifier: Apache-2.0
#include "config/key_types.h"

#include <algorithm>

#include "base/bytes.h"

namespace viaduct::config {

namespace {

constexpr std::string_view kSecretPrefix = "file:";
// What a dump shows in the place of a secret.
constexpr std::string_view kHidden = "(secret)";

// YAML 1.1's other words for true and false.
std::string_view meant_boolean(const std::string& text) {
  for (const std::string_view word : {"yes", "on", "Yes", "On", "YES", "ON", "1", "enabled"}) {
    if (text == word) return "true";
  }
  for (const std::string_view word : {"no", "off", "No", "Off", "NO", "OFF", "0", "disabled"}) {
    if (text == word) return "false";
  }
  return {};
}

// As the core schema of YAML 1.2 has them (§10.3.2).
Parsed<bool> parse_boolean(const std::string& text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const std::string_view meant = meant_boolean(text);
  return std::unexpected(
      base::format("\"{}\" is neither true nor false; write {}", text, meant.empty() ? "one of them" : meant));
}

Type<std::string> checked_text(const std::string& name, std::vector<std::string> variables, TextRule rule) {
  Type<std::string> type;
  type.info.name = name;
  type.read = [name, variables = std::move(variables), rule = std::move(rule)](const Node& node, std::string& value,
                                                                               const Scope& scope) {
    const auto text = read_scalar(node, scope, with_article(name), variables);
    if (!text) return;
    auto ruled = rule ? rule(*text) : Parsed<std::string>(*text);
    if (ruled) {
      value = std::move(*ruled);
    } else {
      scope.error(node.place, std::move(ruled).error());
    }
  };
  type.write = [](const std::string& value) { return Node::quoted(value); };
  return type;
}

std::string show_range(const std::string& minimum, const std::string& maximum) {
  return minimum + " to " + maximum;
}

TypeInfo secret_info() {
  TypeInfo info;
  info.name = "text or file:PATH";
  info.takes_number = true;
  return info;
}

void read_secret(const Node& node, Secret& value, const TextRule& rule, std::span<const std::string> variables,
                 const Scope& scope) {
  Parsed<std::string> text = read_scalar(node, scope, "text or file:PATH", variables).value_or("");
  if (text->starts_with(kSecretPrefix)) {
    text = read_secret_file(resolve_path(text->substr(kSecretPrefix.size()), scope.reading().directory()));
    if (!text) return scope.file_error(node.place, std::move(text).error());
  }
  if (text && rule) text = rule(*text);
  if (text) {
    value.value = std::move(*text);
  } else {
    scope.error(node.place, std::move(text).error());
  }
}

Node write_secret(const Secret& value) {
  return Node::quoted(std::string(value.value.empty() ? "" : kHidden));
}

}  // namespace

std::string with_article(const std::string& name) {
  if (name.starts_with("text") || name.contains(" or ")) return name;
  return (std::string_view("aeiou").contains(name.front()) ? "an " : "a ") + name;
}

std::optional<std::string> read_scalar(const Node& node, const Scope& scope, const std::string& wanted,
                                       std::span<const std::string> variables) {
  if (!node.is_scalar()) {
    scope.error(node.place, base::format("this should be {}, but it is {}; {}", wanted, describe(node),
                                         node.is_null() ? "write a value, or delete the key" : "write one value"));
    return std::nullopt;
  }
  auto expanded = expand(node.text, scope.reading().environment(), variables);
  if (!expanded) {
    scope.error(node.place, std::move(expanded).error());
    return std::nullopt;
  }
  return *expanded;
}

Type<bool> boolean() {
  TypeInfo info;
  info.form = TypeInfo::Form::kBoolean;
  info.name = "true or false";
  return scalar_type<bool>(std::move(info), parse_boolean,
                           [](const bool& value) { return Node::word(value ? "true" : "false"); });
}

Type<base::Duration> duration(base::Duration minimum, base::Duration maximum) {
  TypeInfo info;
  info.name = "duration";
  info.range = show_range(format_duration(minimum), format_duration(maximum));
  info.pattern = R"(^([0-9]+(ms|s|m|h|d) ?)+$)";
  return scalar_type<base::Duration>(
      std::move(info),
      [=](const std::string& text) -> Parsed<base::Duration> {
        const auto parsed = parse_duration(text);
        if (!parsed || (*parsed >= minimum && *parsed <= maximum)) return parsed;
        return std::unexpected(base::format("{} is out of range; write {} to {}", text, format_duration(minimum),
                                            format_duration(maximum)));
      },
      [](const base::Duration& value) { return Node::word(format_duration(value)); });
}

Type<std::string> text(const std::string& name, TextRule rule, const std::string& pattern) {
  Type<std::string> type = checked_text(name, {}, std::move(rule));
  type.info.pattern = pattern;
  return type;
}

Type<std::string> text_with_variables(const std::string& name, std::vector<std::string> variables, TextRule rule) {
  return checked_text(name, std::move(variables), std::move(rule));
}

Type<Secret> secret(TextRule rule) {
  Type<Secret> type;
  type.info = secret_info();
  type.read = [rule = std::move(rule)](const Node& node, Secret& value, const Scope& scope) {
    read_secret(node, value, rule, {}, scope);
  };
  type.write = write_secret;
  return type;
}

Type<FieldValue> field_value(TextRule rule) {
  Type<FieldValue> type;
  type.info = secret_info();
  type.read = [rule = std::move(rule)](const Node& node, FieldValue& value, const Scope& scope) {
    const bool is_file = node.text.starts_with(kSecretPrefix);
    value.has_variables = !is_file && names_request_variable(node.text);
    read_secret(node, value.text, rule, is_file ? std::vector<std::string>() : request_variables(), scope);
  };
  type.write = [](const FieldValue& value) { return write_secret(value.text); };
  return type;
}

Type<std::string> path(const std::string& name, bool takes_dash) {
  Type<std::string> type;
  type.info.name = name;
  type.read = [name, takes_dash](const Node& node, std::string& value, const Scope& scope) {
    const auto text = read_scalar(node, scope, with_article(name));
    if (!text) return;
    if (text->empty()) {
      scope.error(node.place, base::format("the path is empty; name {}", with_article(name)));
    } else if (text->starts_with(kSecretPrefix)) {
      scope.error(node.place, base::format("file: is for secrets in headers; write the path alone: {}",
                                           text->substr(kSecretPrefix.size())));
    } else {
      value = takes_dash && *text == "-" ? *text : resolve_path(*text, scope.reading().directory());
    }
  };
  type.write = [](const std::string& value) { return Node::quoted(value); };
  return type;
}

TypeInfo number_info(const std::string& name, std::uint64_t minimum, std::uint64_t maximum) {
  TypeInfo info;
  info.form = TypeInfo::Form::kNumber;
  info.name = name;
  info.minimum = minimum;
  info.maximum = maximum;
  info.range = show_range(std::to_string(minimum), std::to_string(maximum));
  return info;
}

TypeInfo size_info(std::uint64_t minimum, std::uint64_t maximum) {
  TypeInfo info;
  info.name = "size";
  info.range = show_range(format_size(minimum), format_size(maximum));
  info.pattern = "^[0-9]+[kKmMgG]?$";
  info.takes_number = true;
  return info;
}

Parsed<std::uint64_t> parse_count(const std::string& text, std::uint64_t minimum, std::uint64_t maximum) {
  const auto number = parse_number(text);
  if (!number || (*number >= minimum && *number <= maximum)) return number;
  return std::unexpected(base::format("{} is out of range; write {} to {}", text, minimum, maximum));
}

Parsed<std::uint64_t> parse_size_between(const std::string& text, std::uint64_t minimum, std::uint64_t maximum) {
  const auto bytes = parse_size(text);
  if (!bytes || (*bytes >= minimum && *bytes <= maximum)) return bytes;
  return std::unexpected(
      base::format("{} is out of range; write {} to {}", text, format_size(minimum), format_size(maximum)));
}

std::string no_choice(const std::string& text, std::span<const std::string> choices) {
  const std::string likely = nearest(text, choices);
  return base::format("\"{}\" is not one of {}; {}", text, join_or(choices),
                      likely.empty() ? "choose one of them" : "did you mean \"" + likely + "\"?");
}

bool expect_list(const Node& node, const Scope& scope, const std::string& wanted, bool takes_one) {
  if (node.is_list()) return true;
  if (takes_one && !node.is_null()) return true;
  scope.error(node.place, base::format("this should be a {}, but it is {}; {}", wanted, describe(node),
                                       node.is_null() ? "write its items below it, each behind \"- \", or as [a, b]"
                                                      : "put it into [ ], or behind \"- \" on its own line"));
  return false;
}

TypeInfo list_info(const TypeInfo& item, bool takes_one) {
  TypeInfo info;
  info.form = TypeInfo::Form::kList;
  const bool is_plural = item.name == "text" || item.name.contains(" or ");
  info.name = "list of " + item.name + (is_plural ? "" : "s");
  info.takes_one = takes_one;
  info.item = {item};
  return info;
}

bool is_repeated_field(const Node& node, const Entry& entry, const Scope& scope) {
  for (const Entry& other : node.entries) {
    if (&other == &entry) return false;
    if (!base::equals_ignoring_case(other.key, entry.key)) continue;
    scope.error(entry.key_place, base::format("{} is the same field as {}; delete one of them", entry.key, other.key));
    return true;
  }
  return false;
}

Type<std::map<std::string, std::string>> text_map(const std::string& name, Names names, TextRule name_rule,
                                                  TextRule rule) {
  Type<std::map<std::string, std::string>> type;
  type.info.form = TypeInfo::Form::kMap;
  type.info.name = "map of " + name;
  type.info.item = {text("text").info};
  type.info.item.front().takes_number = true;
  type.read = [names, name_rule = std::move(name_rule), value_type = text("text", std::move(rule))](
                  const Node& node, std::map<std::string, std::string>& values, const Scope& scope) {
    if (!expect_map(node, scope)) return;
    for (const Entry& entry : node.entries) {
      if (names == Names::kOfFields && is_repeated_field(node, entry, scope)) continue;
      const Scope inner = scope.at_name(entry);
      const auto name_kept = name_rule(entry.key);
      if (!name_kept) inner.error(entry.key_place, name_kept.error());
      std::string value;
      value_type.read(entry.value, value, inner);
      if (name_kept) values[*name_kept] = std::move(value);
    }
  };
  type.write = [](const std::map<std::string, std::string>& values) {
    Node map = Node::map();
    for (const auto& [key, value] : values) map.add(key, Node::quoted(value));
    return map;
  };
  return type;
}

}  // namespace viaduct::config

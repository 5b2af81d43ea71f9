// SPDX-License-Identifier: Apache-2.0
// The types that rows of the key tables are made of: durations, sizes, numbers, choices, checked text, and lists, maps
// and objects of them. Each knows how a value is read, what is wrong with one that is not, and how it is shown in the
// reference and the schema. Cold path; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/format.h"
#include "config/key_table.h"
#include "config/spelling.h"
#include "config/units.h"

namespace viaduct::config {

// `name` with its article, for messages: "a duration", but "true or false" and "text".
std::string with_article(const std::string& name);

// The text of a scalar with the environment filled in. Absent and an error when `node` is no scalar, or names a
// variable that does not exist. `wanted` says what belongs there ("a duration").
std::optional<std::string> read_scalar(const Node& node, const Scope& scope, const std::string& wanted,
                                       std::span<const std::string> variables = {});

// A check and change of text: the value to keep, or what is wrong and what to do.
using TextRule = std::function<Parsed<std::string>(const std::string&)>;

// A scalar of any kind.
template <typename T>
Type<T> scalar_type(TypeInfo info, std::function<Parsed<T>(const std::string&)> parse,
                    std::function<Node(const T&)> write) {
  Type<T> type;
  type.read = [parse = std::move(parse), wanted = with_article(info.name)](const Node& node, T& value,
                                                                           const Scope& scope) {
    const auto text = read_scalar(node, scope, wanted);
    if (!text) return;
    auto parsed = parse(*text);
    if (parsed) {
      value = std::move(*parsed);
    } else {
      scope.error(node.place, std::move(parsed).error());
    }
  };
  type.write = std::move(write);
  type.info = std::move(info);
  return type;
}

Type<bool> boolean();
Type<base::Duration> duration(base::Duration minimum, base::Duration maximum);
// Any text that `rule` lets pass. `name` is what the reference calls it.
Type<std::string> text(const std::string& name, TextRule rule = {}, const std::string& pattern = {});
// Text in which variables of the request may stand.
Type<std::string> text_with_variables(const std::string& name, std::vector<std::string> variables, TextRule rule = {});
// A value that is shown nowhere, may come from `file:PATH`, and is let pass by `rule`, whose errors never hold it.
Type<Secret> secret(TextRule rule = {});
// The same for a field, whose text may hold variables of the request; that of a file may not.
Type<FieldValue> field_value(TextRule rule = {});
// The path of a file or directory, made absolute. "-" stays where `takes_dash`.
Type<std::string> path(const std::string& name, bool takes_dash = false);

// Shared by the number types: TypeInfo and range check.
TypeInfo number_info(const std::string& name, std::uint64_t minimum, std::uint64_t maximum);
TypeInfo size_info(std::uint64_t minimum, std::uint64_t maximum);
Parsed<std::uint64_t> parse_count(const std::string& text, std::uint64_t minimum, std::uint64_t maximum);
Parsed<std::uint64_t> parse_size_between(const std::string& text, std::uint64_t minimum, std::uint64_t maximum);
std::string no_choice(const std::string& text, std::span<const std::string> choices);

template <typename T>
Type<T> count(std::uint64_t minimum, std::uint64_t maximum = std::numeric_limits<T>::max()) {
  return scalar_type<T>(
      number_info("number", minimum, maximum),
      [=](const std::string& text) -> Parsed<T> {
        auto number = parse_count(text, minimum, maximum);
        if (!number) return std::unexpected(std::move(number).error());
        return static_cast<T>(*number);
      },
      [](const T& value) { return Node::word(std::to_string(value)); });
}

template <typename T>
Type<T> size(std::uint64_t minimum, std::uint64_t maximum) {
  return scalar_type<T>(
      size_info(minimum, maximum),
      [=](const std::string& text) -> Parsed<T> {
        auto bytes = parse_size_between(text, minimum, maximum);
        if (!bytes) return std::unexpected(std::move(bytes).error());
        return static_cast<T>(*bytes);
      },
      [](const T& value) { return Node::word(format_size(value)); });
}

// One of a few words.
template <typename T>
struct Choice {
  std::string word;
  T value;
};

template <typename T>
Type<T> choice(const std::vector<Choice<T>>& choices) {
  Type<T> type;
  type.info.form = TypeInfo::Form::kChoice;
  for (const Choice<T>& known : choices) type.info.choices.push_back(known.word);
  type.info.name = join_or(type.info.choices);
  type.read = [choices, words = type.info.choices](const Node& node, T& value, const Scope& scope) {
    const auto word = read_scalar(node, scope, join_or(words));
    if (!word) return;
    for (const Choice<T>& known : choices) {
      if (known.word != *word) continue;
      value = known.value;
      return;
    }
    scope.error(node.place, no_choice(*word, words));
  };
  type.write = [choices](const T& value) {
    for (const Choice<T>& known : choices) {
      if (known.value == value) return Node::word(known.word);
    }
    return Node{};
  };
  return type;
}

// A value, or null for none.
template <typename T>
Type<std::optional<T>> or_null(Type<T> inner) {
  Type<std::optional<T>> type;
  type.info = std::move(inner.info);
  type.info.is_nullable = true;
  type.read = [read = std::move(inner.read)](const Node& node, std::optional<T>& value, const Scope& scope) {
    if (node.is_null()) {
      value.reset();
      return;
    }
    if (!value) value.emplace();
    read(node, *value, scope);
  };
  type.write = [write = std::move(inner.write)](const std::optional<T>& value) {
    return value ? write(*value) : Node{};
  };
  return type;
}

// False and an error when `node` is neither a list nor, where `takes_one`, a single item.
bool expect_list(const Node& node, const Scope& scope, const std::string& wanted, bool takes_one);
// The info of a list of `item`.
TypeInfo list_info(const TypeInfo& item, bool takes_one);

// A list; `takes_one` lets a single item stand without brackets. It replaces what was inherited.
template <typename T>
Type<std::vector<T>> list_of(Type<T> item, bool takes_one = true) {
  Type<std::vector<T>> type;
  type.info = list_info(item.info, takes_one);
  type.read = [read = std::move(item.read), wanted = type.info.name, takes_one](
                  const Node& node, std::vector<T>& values, const Scope& scope) {
    if (!expect_list(node, scope, wanted, takes_one)) return;
    values.clear();
    if (!node.is_list()) {
      read(node, values.emplace_back(), scope);
      return;
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      read(node.items[i], values.emplace_back(), scope.at_index(i, node.items[i]));
    }
  };
  type.write = [write = std::move(item.write)](const std::vector<T>& values) {
    Node list = Node::list();
    for (const T& value : values) list.items.push_back(write(value));
    return list;
  };
  return type;
}

// The same, which must have an item: without one it would mean all, or nothing. `remedy`: "add a path, or ...".
template <typename T>
Type<std::vector<T>> filled_list_of(Type<T> item, const std::string& remedy) {
  Type<std::vector<T>> type = list_of(std::move(item));
  type.info.needs_one = true;
  type.read = [read = std::move(type.read), remedy](const Node& node, std::vector<T>& values, const Scope& scope) {
    if (node.is_list() && node.items.empty()) return scope.error(node.place, "the list is empty; " + remedy);
    read(node, values, scope);
  };
  return type;
}

// True, and an error, when the map `node` has the field above `entry` in other letters: YAML takes them for two.
bool is_repeated_field(const Node& node, const Entry& entry, const Scope& scope);

enum class Names : std::uint8_t { kAsWritten, kOfFields };
// A map of names to texts that `rule` and `name_rule` let pass. Names merge with what was inherited.
Type<std::map<std::string, std::string>> text_map(const std::string& name, Names names, TextRule name_rule,
                                                  TextRule rule);

// An object that `table` describes. Text stands for the key `shorthand`, if there is one.
template <typename Object>
Type<Object> object(const Table<Object>& table, const std::string& shorthand = {}) {
  Type<Object> type;
  type.info.form = TypeInfo::Form::kObject;
  type.info.name = "map";
  type.info.keys = table.infos();
  type.info.exclusive = table.exclusive();
  type.info.shorthand = shorthand;
  type.read = [reader = table.reader(), shorthand](const Node& node, Object& value, const Scope& scope) {
    if (shorthand.empty() || !node.is_scalar()) return reader.read(node, value, scope);
    Node map = Node::map();
    map.place = node.place;
    map.add(shorthand, node);
    map.entries.back().key_place = node.place;
    reader.read(map, value, scope);
  };
  type.write = [writer = table.writer()](const Object& value) { return writer.write(value); };
  return type;
}

// A row that fills one alternative of a variant member: the alternative is made when it is not there yet, and nothing
// is written when another one is.
template <typename Object, typename Variant, typename T>
Type<Object> alternative(Variant Object::* member, Type<T> inner) {
  Type<Object> type;
  type.info = std::move(inner.info);
  type.read = [member, read = std::move(inner.read)](const Node& node, Object& object, const Scope& scope) {
    Variant& variant = object.*member;
    if (!std::holds_alternative<T>(variant)) variant.template emplace<T>();
    read(node, std::get<T>(variant), scope);
  };
  type.write = [member, write = std::move(inner.write)](const Object& object) {
    const T* held = std::get_if<T>(&(object.*member));
    return held != nullptr ? write(*held) : Node{};
  };
  return type;
}

}  // namespace viaduct::config

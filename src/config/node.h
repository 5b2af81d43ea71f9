// SPDX-License-Identifier: Apache-2.0
// A YAML document as a tree that knows where each of its parts stands, with aliases already followed. yaml_reader makes
// it from text, the key tables read it into the structs of types.h and write structs back into it for the reference.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/types.h"

namespace viaduct::config {

struct Entry;

struct Node {
  enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  Place place;
  std::string text;            // kScalar
  bool is_quoted = false;      // kScalar: text in quotes or a block, so that `null` and numbers in it are text
  std::vector<Node> items;     // kList
  std::vector<Entry> entries;  // kMap, in the order of the file

  // An unquoted scalar (numbers, names), a quoted one, and collections, for trees that are written, not read.
  static Node word(std::string text);
  static Node quoted(std::string text);
  static Node list();
  static Node list(std::vector<Node> items);
  static Node map();

  bool is_null() const { return kind == Kind::kNull; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_map() const { return kind == Kind::kMap; }
  // The value under `key` of a map, null when there is none. Lives as long as this node is not changed.
  const Node* find(std::string_view key) const;
  const Entry* find_entry(std::string_view key) const;
  // Adds an entry. REQUIRES: is_map().
  void add(std::string key, Node value);
};

// One key of a map with its value.
struct Entry {
  std::string key;
  Place key_place;
  Node value;
};

// What kind of thing `node` is, for messages: "nothing", "text", "a list", "a map".
std::string_view describe(const Node& node);
// The tree on one line, in YAML's flow style: `[GET, HEAD]`, `{connect: 2s}`.
std::string to_flow_text(const Node& node);

}  // namespace viaduct::config

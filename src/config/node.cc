// SPDX-License-Identifier: Apache-2.0
#include "config/node.h"

#include <algorithm>

#include "base/check.h"

namespace viaduct::config {

namespace {

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char byte : text) {
    if (byte == '"' || byte == '\\') quoted += '\\';
    if (byte == '\n') {
      quoted += "\\n";
    } else {
      quoted += byte;
    }
  }
  return quoted + "\"";
}

bool needs_quotes(std::string_view text) {
  return text.empty() || text.find_first_of(",[]{}#&*!|>'\"%@`: ") != std::string_view::npos;
}

}  // namespace

Node Node::word(std::string text) {
  Node node;
  node.kind = Kind::kScalar;
  node.text = std::move(text);
  return node;
}

Node Node::quoted(std::string text) {
  Node node = word(std::move(text));
  node.is_quoted = true;
  return node;
}

Node Node::list() {
  Node node;
  node.kind = Kind::kList;
  return node;
}

Node Node::list(std::vector<Node> items) {
  Node node = list();
  node.items = std::move(items);
  return node;
}

Node Node::map() {
  Node node;
  node.kind = Kind::kMap;
  return node;
}

const Node* Node::find(std::string_view key) const {
  const Entry* entry = find_entry(key);
  return entry == nullptr ? nullptr : &entry->value;
}

const Entry* Node::find_entry(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &*found;
}

void Node::add(std::string key, Node value) {
  CHECK(is_map());
  entries.push_back({.key = std::move(key), .key_place = {}, .value = std::move(value)});
}

std::string_view describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull: return "nothing";
    case Node::Kind::kScalar: return "text";
    case Node::Kind::kList: return "a list";
    case Node::Kind::kMap: return "a map";
  }
  return "";
}

std::string to_flow_text(const Node& node) {
  std::string text;
  switch (node.kind) {
    case Node::Kind::kNull: return "null";
    case Node::Kind::kScalar: return node.is_quoted && needs_quotes(node.text) ? quote(node.text) : node.text;
    case Node::Kind::kList:
      for (const Node& item : node.items) text += (text.empty() ? "" : ", ") + to_flow_text(item);
      return "[" + text + "]";
    case Node::Kind::kMap:
      for (const Entry& entry : node.entries) {
        text += (text.empty() ? "" : ", ") + entry.key + ": " + to_flow_text(entry.value);
      }
      return "{" + text + "}";
  }
  return text;
}

}  // namespace viaduct::config

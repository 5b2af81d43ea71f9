// SPDX-License-Identifier: Apache-2.0
// One row a key. A Table says, for one kind of object, what each key is called, which member it fills, of which type
// and range it is, and what it is for; reading a file, the reference, the JSON Schema and the dump of a loaded config
// all come from these rows. A default is the member's initialiser in types.h and is written nowhere else. The tables
// themselves are functions in *_keys.cc; types of values are in key_types.h. Cold path; any thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/node.h"
#include "config/reading.h"

namespace viaduct::config {

// How a value is written, for the reference and the schema.
struct TypeInfo {
  enum class Form : std::uint8_t { kText, kNumber, kBoolean, kChoice, kList, kMap, kObject };

  Form form = Form::kText;
  std::string name;                    // "duration", "list of text"
  std::string range;                   // "1ms to 1h"; empty: any
  std::string pattern;                 // kText: a regular expression (ECMA 262) that every value matches; empty: any
  bool takes_number = false;           // kText: may also be written as an unquoted number
  std::uint64_t minimum = 0;           // kNumber
  std::uint64_t maximum = 0;           // kNumber
  std::vector<std::string> choices;    // kChoice
  std::vector<TypeInfo> item;          // kList, kMap: the type of the items or values, one
  bool takes_one = false;              // kList: one item may stand without brackets
  std::vector<KeyInfo> keys;           // kObject
  std::string shorthand;               // kObject: text stands for this key alone; empty: none
  std::vector<std::string> exclusive;  // kObject: at most one of these keys
  bool is_nullable = false;            // null turns it off
};

// One row, without the member.
struct KeyInfo {
  std::string name;
  TypeInfo type;
  std::string default_text;  // empty: none
  std::string sentence;
  bool is_required = false;
  bool is_planned = false;   // accepted and checked, but without effect in this version
  bool is_of_route = false;  // a key of a route that sites and `defaults` take, too

  // Marks, for the end of a row.
  KeyInfo& required() {
    is_required = true;
    return *this;
  }
  KeyInfo& planned() {
    is_planned = true;
    return *this;
  }
  KeyInfo& defaults_to(std::string text) {
    default_text = std::move(text);
    return *this;
  }
};

// A type of values: how one is read (in place, so that what the file does not say stays as it was) and written.
template <typename T>
struct Type {
  TypeInfo info;
  std::function<void(const Node&, T&, const Scope&)> read;
  std::function<Node(const T&)> write;
};

// The parts of Table that do not depend on the object.

// False and an error when `node` is no map.
bool expect_map(const Node& node, const Scope& scope);
// An error for each key of `map` that is not `known`, with the nearest one, or where it belongs, or what this word of
// another system is called here.
void report_unknown_keys(const Node& map, const std::vector<KeyInfo>& known, const Scope& scope);
// An error when more than one of the `exclusive` keys stands in `map`.
void check_exclusive(const Node& map, const std::vector<std::string>& exclusive, const Scope& scope);
// The error at `place` for a required `key` that is not there.
void report_missing(const Place& place, const std::string& key, const Scope& scope);
// False for what asks for nothing (false, null), so that a planned key is not told about.
bool asks_for_something(const Node& node);
// True for a written value that stands for "none": null, "", [].
bool is_none(const Node& written);
// How a default is shown: "2s", "[GET, HEAD]", "none".
std::string show_default(const Node& written);

template <typename Object>
class Table {
 public:
  Table() = default;
  // At most one of `exclusive` may stand in one map.
  explicit Table(std::vector<std::string> exclusive) : exclusive_(std::move(exclusive)) {}

  // A row for a member of Object or of a base of it. The row may be marked; it is valid until the next add.
  template <typename Base, typename T>
    requires std::derived_from<Object, Base>
  KeyInfo& add(std::string name, T Base::* member, Type<T> type, std::string sentence) {
    T Object::* const own = member;
    Type<Object> whole;
    whole.info = std::move(type.info);
    whole.read = [own, read = std::move(type.read)](const Node& node, Object& object, const Scope& scope) {
      read(node, object.*own, scope);
    };
    whole.write = [own, write = std::move(type.write)](const Object& object) { return write(object.*own); };
    return add(std::move(name), std::move(whole), std::move(sentence));
  }

  // A row for a key that sets more than one member. Its write() gives null where the object does not use the key.
  KeyInfo& add(std::string name, Type<Object> whole, std::string sentence) {
    KeyInfo info;
    info.name = std::move(name);
    info.default_text = show_default(whole.write(Object{}));
    info.type = std::move(whole.info);
    info.sentence = std::move(sentence);
    infos_.push_back(std::move(info));
    reads_.push_back(std::move(whole.read));
    writes_.push_back(std::move(whole.write));
    return infos_.back();
  }

  // Takes all rows of `inner`, whose values go to `member`, where others will inherit them: required keys may be
  // missing, and nothing is written back.
  template <typename Inner>
  void add_inherited(Inner Object::* member, const Table<Inner>& inner) {
    for (std::size_t i = 0; i < inner.infos().size(); ++i) {
      infos_.push_back(inner.infos()[i]);
      reads_.push_back([member, read = inner.reader(i)](const Node& node, Object& object, const Scope& scope) {
        read(node, object.*member, scope.as_partial());
      });
      writes_.emplace_back();
    }
    exclusive_.insert(exclusive_.end(), inner.exclusive().begin(), inner.exclusive().end());
  }

  // Takes all rows of `other`, which is about the same kind of object.
  void add_own(const Table<Object>& other) {
    for (std::size_t i = 0; i < other.infos().size(); ++i) {
      infos_.push_back(other.infos()[i]);
      reads_.push_back(other.reader(i));
      writes_.push_back(other.writer(i));
    }
  }

  // Marks all rows as keys of a route that sites and `defaults` take, too.
  void mark_of_route() {
    for (KeyInfo& info : infos_) info.is_of_route = true;
  }

  // Reads the map `node` into `object` and reports what does not fit. Keys are read in the order of the rows, not of
  // the file, so that a row may build on those above it.
  void read(const Node& node, Object& object, const Scope& scope) const {
    if (!expect_map(node, scope)) return;
    report_unknown_keys(node, infos_, scope);
    check_exclusive(node, exclusive_, scope);
    for (std::size_t i = 0; i < infos_.size(); ++i) {
      const Entry* entry = node.find_entry(infos_[i].name);
      if (entry == nullptr) continue;
      const Scope inner = scope.at_key(*entry);
      if (infos_[i].is_planned && asks_for_something(entry->value)) inner.note_planned(entry->key_place);
      reads_[i](entry->value, object, inner);
    }
    if (!scope.is_partial()) check_required(node, object, scope);
  }

  // The object as a map of all its keys; those that are none are left out.
  Node write(const Object& object) const {
    Node map = Node::map();
    for (std::size_t i = 0; i < infos_.size(); ++i) {
      if (!writes_[i]) continue;
      Node value = writes_[i](object);
      if (!is_none(value) || (value.is_null() && infos_[i].type.is_nullable)) map.add(infos_[i].name, std::move(value));
    }
    return map;
  }

  const std::vector<KeyInfo>& infos() const { return infos_; }
  const std::vector<std::string>& exclusive() const { return exclusive_; }
  const std::function<void(const Node&, Object&, const Scope&)>& reader(std::size_t index) const {
    return reads_[index];
  }
  const std::function<Node(const Object&)>& writer(std::size_t index) const { return writes_[index]; }

 private:
  // A required key may also have been inherited, so the object is asked and not the map alone.
  void check_required(const Node& node, const Object& object, const Scope& scope) const {
    for (std::size_t i = 0; i < infos_.size(); ++i) {
      const bool is_missing = infos_[i].is_required && writes_[i] && node.find(infos_[i].name) == nullptr;
      if (is_missing && is_none(writes_[i](object))) report_missing(node.place, infos_[i].name, scope);
    }
  }

  std::vector<std::string> exclusive_;
  // One row each, in the order of the reference.
  std::vector<KeyInfo> infos_;
  std::vector<std::function<void(const Node&, Object&, const Scope&)>> reads_;
  std::vector<std::function<Node(const Object&)>> writes_;
};

}  // namespace viaduct::config

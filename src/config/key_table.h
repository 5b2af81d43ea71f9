// SPDX-License-Identifier: Apache-2.0
// One row a key. A Table says, for one kind of object, what each key is called, which member it fills, of which type
// and range it is, and what it is for; reading a file, the reference, the JSON Schema and the dump of a loaded config
// all come from these rows. A default is the member's initialiser in types.h and is written nowhere else. The tables
// themselves are functions in *_keys.cc; types of values are in key_types.h. Cold path; any thread.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <iterator>
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
  bool needs_one = false;              // kList: it may not be empty
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
  bool is_inherited = false;  // a required key that sites or `defaults` may already have given
  bool is_of_route = false;   // a key of a route that sites and `defaults` take, too

  // Marks, for the end of a row.
  KeyInfo& required() {
    is_required = true;
    return *this;
  }
  KeyInfo& required_unless_inherited() {
    is_inherited = true;
    return required();
  }
  KeyInfo& defaults_to(std::string text) {
    default_text = std::move(text);
    return *this;
  }
};

template <typename T>
using ReadFunction = std::function<void(const Node&, T&, const Scope&)>;
template <typename T>
using WriteFunction = std::function<Node(const T&)>;

// A type of values: how one is read (in place, so that what the file does not say stays as it was) and written.
template <typename T>
struct Type {
  TypeInfo info;
  ReadFunction<T> read;
  WriteFunction<T> write;
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
// True for a written value that stands for "none": null, "", [].
bool is_none(const Node& written);
// How a default is shown: "2s", "[GET, HEAD]", "none".
std::string show_default(const Node& written);

// What reading a map takes of a Table.
template <typename Object>
class TableReader {
 public:
  struct Row {
    KeyInfo info;  // without its type
    ReadFunction<Object> read;
    WriteFunction<Object> write;  // of keys that are required unless inherited
  };

  TableReader(std::vector<Row> rows, std::vector<std::string> exclusive)
      : rows_(std::move(rows)), exclusive_(std::move(exclusive)) {
    for (const Row& row : rows_) infos_.push_back(row.info);
  }

  // Reads the map `node` into `object` and reports what does not fit. Keys are read in the order of the rows, not of
  // the file, so that a row may build on those above it.
  void read(const Node& node, Object& object, const Scope& scope) const {
    if (!expect_map(node, scope)) return;
    report_unknown_keys(node, infos_, scope);
    check_exclusive(node, exclusive_, scope);
    for (const Row& row : rows_) {
      const Entry* entry = node.find_entry(row.info.name);
      if (entry == nullptr) {
        check_missing(row, node, object, scope);
        continue;
      }
      row.read(entry->value, object, scope.at_key(*entry));
    }
  }

 private:
  void check_missing(const Row& row, const Node& node, const Object& object, const Scope& scope) const {
    if (!row.info.is_required || scope.is_partial()) return;
    if (row.write && !is_none(row.write(object))) return;
    report_missing(node.place, row.info.name, scope);
  }

  std::vector<Row> rows_;
  std::vector<KeyInfo> infos_;  // of the rows
  std::vector<std::string> exclusive_;
};

// What writing an object takes of a Table.
template <typename Object>
class TableWriter {
 public:
  struct Row {
    std::string name;
    bool is_nullable = false;
    WriteFunction<Object> write;
  };

  explicit TableWriter(std::vector<Row> rows) : rows_(std::move(rows)) {}

  // The object as a map of all its keys; those that are none are left out.
  Node write(const Object& object) const {
    Node map = Node::map();
    for (const Row& row : rows_) {
      Node value = row.write(object);
      if (!is_none(value) || (value.is_null() && row.is_nullable)) map.add(row.name, std::move(value));
    }
    return map;
  }

 private:
  std::vector<Row> rows_;
};

// The rows themselves. Functions that keep a table for later keep its reader() or its writer(), never the whole: a
// table of tables of tables would otherwise be copied twice at each level.
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
  void add_inherited(Inner Object::* member, Table<Inner> inner) {
    for (std::size_t i = 0; i < inner.infos_.size(); ++i) {
      infos_.push_back(std::move(inner.infos_[i]));
      infos_.back().is_required = false;
      reads_.push_back(
          [member, read = std::move(inner.reads_[i])](const Node& node, Object& object, const Scope& scope) {
            read(node, object.*member, scope.as_partial());
          });
      writes_.emplace_back();
    }
    exclusive_.insert(exclusive_.end(), inner.exclusive_.begin(), inner.exclusive_.end());
  }

  // Takes all rows of `other`, which is about the same kind of object.
  void add_own(Table<Object> other) {
    std::ranges::move(other.infos_, std::back_inserter(infos_));
    std::ranges::move(other.reads_, std::back_inserter(reads_));
    std::ranges::move(other.writes_, std::back_inserter(writes_));
  }

  // Marks all rows as keys of a route that sites and `defaults` take, too.
  void mark_of_route() {
    for (KeyInfo& info : infos_) info.is_of_route = true;
  }

  TableReader<Object> reader() const {
    std::vector<typename TableReader<Object>::Row> rows;
    for (std::size_t i = 0; i < infos_.size(); ++i) {
      const KeyInfo& info = infos_[i];
      KeyInfo slim{.name = info.name,
                   .type = {},
                   .default_text = {},
                   .sentence = {},
                   .is_required = info.is_required,
                   .is_inherited = info.is_inherited,
                   .is_of_route = info.is_of_route};
      rows.push_back({.info = std::move(slim),
                      .read = reads_[i],
                      .write = info.is_inherited ? writes_[i] : WriteFunction<Object>()});
    }
    return TableReader<Object>(std::move(rows), exclusive_);
  }

  TableWriter<Object> writer() const {
    std::vector<typename TableWriter<Object>::Row> rows;
    for (std::size_t i = 0; i < infos_.size(); ++i) {
      if (!writes_[i]) continue;
      rows.push_back({.name = infos_[i].name, .is_nullable = infos_[i].type.is_nullable, .write = writes_[i]});
    }
    return TableWriter<Object>(std::move(rows));
  }

  const std::vector<KeyInfo>& infos() const { return infos_; }
  const std::vector<std::string>& exclusive() const { return exclusive_; }

 private:
  template <typename Other>
  friend class Table;

  std::vector<std::string> exclusive_;
  // One row each, in the order of the reference.
  std::vector<KeyInfo> infos_;
  std::vector<ReadFunction<Object>> reads_;
  std::vector<WriteFunction<Object>> writes_;  // empty: not written back
};

}  // namespace viaduct::config

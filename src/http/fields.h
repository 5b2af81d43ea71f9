// SPDX-License-Identifier: Apache-2.0
// The header or trailer fields of one message: an ordered list that keeps spelling, order and repetition as received
// (RFC 9110 §5.2, §5.3). Lives in the exchange's arena, as do the bytes of names and values; never outlives it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "base/arena.h"
#include "http/field_name.h"

namespace viaduct::http {

// One field line. `name` keeps the sender's spelling; `value` is without the white space around it.
struct Field {
  std::string_view name;
  std::string_view value;
  FieldName id = FieldName::kOther;
};

// Ordered field lines. Cheap to move; not copied by accident.
class Fields {
 public:
  // `arena` must outlive this list.
  explicit Fields(base::Arena& arena) : arena_(&arena) {}
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;
  // Leaves `other` empty.
  Fields(Fields&& other) noexcept
      : arena_(other.arena_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Fields& operator=(Fields&& other) noexcept;

  base::Arena& arena() const { return *arena_; }
  std::span<const Field> lines() const { return {data_, size_}; }
  const Field* begin() const { return data_; }
  const Field* end() const { return data_ + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Appends a line; copies both texts into the arena.
  void add(std::string_view name, std::string_view value);
  // Appends a line with the canonical spelling of `id`; copies `value`. REQUIRES: id is not kOther.
  void add(FieldName id, std::string_view value);
  // Appends a line whose texts already live in this arena or longer. `id` must be find_field_name(name).
  void add_view(const Field& field);

  // The first line named `id`, or null. The pointer is valid until the next change.
  const Field* find(FieldName id) const;
  // The same for any name, compared without case.
  const Field* find(std::string_view name) const;
  std::size_t count(FieldName id) const;
  // The value of the first line named `id`; empty when there is none.
  std::string_view value(FieldName id) const;

  // Removes every line of that name, keeps the order of the rest; returns how many.
  std::size_t remove(FieldName id);
  std::size_t remove(std::string_view name);
  // Replaces the first line of that name in place and removes the others; appends when there is none.
  void set(FieldName id, std::string_view value);
  void set(std::string_view name, std::string_view value);
  // Removes the lines for which `predicate(const Field&)` is true.
  template <typename Predicate>
  std::size_t remove_if(Predicate predicate) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      if (!predicate(data_[i])) data_[kept++] = data_[i];
    }
    const std::size_t removed = size_ - kept;
    size_ = kept;
    return removed;
  }
  void clear() { size_ = 0; }

 private:
  void grow();
  // What both set() do, with texts that live in the arena.
  void set_view(const Field& field);

  base::Arena* arena_;
  Field* data_ = nullptr;  // an array in the arena
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// True when the names are the same but for case and `_` in the place of `-`: servers that turn names into environment
// variables cannot tell them apart (RFC 3875 §4.1.18).
bool imitates(std::string_view name, std::string_view wanted);

}  // namespace viaduct::http

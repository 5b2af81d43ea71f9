// SPDX-License-Identifier: Apache-2.0
#include "http/fields.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"

namespace viaduct::http {
namespace {

// Most heads fit the first array: browsers send about fifteen fields.
constexpr std::size_t kFirstCapacity = 20;

bool has_name(const Field& field, FieldName id, std::string_view name) {
  return field.id == id && (id != FieldName::kOther || base::equals_ignoring_case(field.name, name));
}

}  // namespace

Fields& Fields::operator=(Fields&& other) noexcept {
  if (this == &other) return *this;
  arena_ = other.arena_;
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

void Fields::add(std::string_view name, std::string_view value) {
  add_view({.name = arena_->copy(name), .value = arena_->copy(value), .id = find_field_name(name)});
}

void Fields::add(FieldName id, std::string_view value) {
  DCHECK(id != FieldName::kOther);
  add_view({.name = field_name_text(id), .value = arena_->copy(value), .id = id});
}

void Fields::add_view(const Field& field) {
  // `field` may be a line of this list: growing leaves the old array as it was.
  if (size_ == capacity_) grow();
  data_[size_++] = field;
}

const Field* Fields::find(FieldName id) const {
  const Field* found = std::ranges::find(begin(), end(), id, &Field::id);
  return found == end() ? nullptr : found;
}

const Field* Fields::find(std::string_view name) const {
  const FieldName id = find_field_name(name);
  const Field* found =
      std::ranges::find_if(begin(), end(), [&](const Field& line) { return has_name(line, id, name); });
  return found == end() ? nullptr : found;
}

std::size_t Fields::count(FieldName id) const {
  return static_cast<std::size_t>(std::ranges::count(begin(), end(), id, &Field::id));
}

std::string_view Fields::value(FieldName id) const {
  const Field* found = find(id);
  return found == nullptr ? std::string_view{} : found->value;
}

std::size_t Fields::remove(FieldName id) {
  return remove_if([id](const Field& line) { return line.id == id; });
}

std::size_t Fields::remove(std::string_view name) {
  const FieldName id = find_field_name(name);
  return remove_if([&](const Field& line) { return has_name(line, id, name); });
}

void Fields::set(FieldName id, std::string_view value) {
  DCHECK(id != FieldName::kOther);
  set_view({.name = field_name_text(id), .value = arena_->copy(value), .id = id});
}

void Fields::set(std::string_view name, std::string_view value) {
  set_view({.name = arena_->copy(name), .value = arena_->copy(value), .id = find_field_name(name)});
}

void Fields::set_view(const Field& field) {
  bool placed = false;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    if (!has_name(data_[i], field.id, field.name)) {
      data_[kept++] = data_[i];
    } else if (!placed) {
      data_[kept++] = field;
      placed = true;
    }
  }
  size_ = kept;
  if (!placed) add_view(field);
}

void Fields::grow() {
  const std::size_t capacity = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
  Field* data = arena_->make_array<Field>(capacity);
  std::ranges::copy(lines(), data);
  data_ = data;
  capacity_ = capacity;
}

bool imitates(std::string_view name, std::string_view wanted) {
  return std::ranges::equal(name, wanted, [](char given, char own) {
    return base::to_lower(given) == base::to_lower(own) || (given == '_' && own == '-');
  });
}

}  // namespace viaduct::http

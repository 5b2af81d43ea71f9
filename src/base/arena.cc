// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

namespace viaduct::base {

void* Arena::allocate_slowly(std::size_t size, std::size_t alignment) {
  if (size + alignment > Chunk::kBytes) {
    large_.push_back(std::make_unique_for_overwrite<char[]>(size + alignment));
    const auto start = reinterpret_cast<std::uintptr_t>(large_.back().get());
    return reinterpret_cast<void*>((start + alignment - 1) & ~(alignment - 1));
  }
  Chunk* chunk = chunks_.take_chunk();
  chunk->next = full_;
  full_ = chunk;
  next_ = chunk->bytes;
  end_ = chunk->bytes + Chunk::kBytes;
  return allocate(size, alignment);
}

std::string_view Arena::append(std::string_view head, std::string_view tail) {
  if (tail.empty()) return head;
  if (!head.empty() && head.data() + head.size() == next_ && tail.size() <= static_cast<std::size_t>(end_ - next_)) {
    std::memcpy(next_, tail.data(), tail.size());
    next_ += tail.size();
    return {head.data(), head.size() + tail.size()};
  }
  const std::size_t size = head.size() + tail.size();
  // A text that outgrew its block is copied into one with as much room again: what is appended piece by piece, as a
  // field that arrives byte by byte, costs time and memory in proportion to its length.
  if (size > Chunk::kBytes / 2 && !head.empty()) use_block(2 * size);
  char* bytes = static_cast<char*>(allocate(size, 1));
  if (!head.empty()) std::memcpy(bytes, head.data(), head.size());
  std::memcpy(bytes + head.size(), tail.data(), tail.size());
  return {bytes, size};
}

void Arena::use_block(std::size_t size) {
  large_.push_back(std::make_unique_for_overwrite<char[]>(size));
  next_ = large_.back().get();
  end_ = next_ + size;
}

void Arena::clear() {
  while (full_ != nullptr) {
    Chunk* next = full_->next;
    chunks_.give_back(full_);
    full_ = next;
  }
  large_.clear();
  next_ = inline_;
  end_ = inline_ + kInlineBytes;
}

}  // namespace viaduct::base

// SPDX-License-Identifier: Apache-2.0
// A text that arrives in pieces and lies in an arena as one run, so that what is found in it are views. Grows by
// doubling: however finely a sender cuts its bytes, the arena gives away at most four times their number. A head that
// arrives whole takes exactly its size.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/arena.h"

namespace viaduct::codec {

class H1Text {
 public:
  // Begins an empty text. `arena` must outlive it.
  void begin(base::Arena& arena) {
    arena_ = &arena;
    bytes_ = nullptr;
    size_ = capacity_ = 0;
  }

  // Goes on in another arena, and needs the first one no more. Earlier views are invalid afterwards.
  void move_to(base::Arena& arena) {
    const std::string_view text = view();
    begin(arena);
    append(text);
  }

  // Adds `piece` to the end. Earlier views are invalid afterwards.
  void append(std::string_view piece) {
    if (piece.empty()) return;
    if (piece.size() > capacity_ - size_) grow(piece.size());
    std::memcpy(bytes_ + size_, piece.data(), piece.size());
    size_ += piece.size();
  }

  std::string_view view() const { return {bytes_, size_}; }

 private:
  static constexpr std::size_t kSecondBytes = 256;  // room at least, once a text has come in two pieces

  void grow(std::size_t more) {
    const std::size_t capacity = size_ == 0 ? more : std::max({size_ + more, 2 * capacity_, kSecondBytes});
    char* bytes = arena_->make_array<char>(capacity);
    if (size_ > 0) std::memcpy(bytes, bytes_, size_);
    bytes_ = bytes;
    capacity_ = capacity;
  }

  base::Arena* arena_ = nullptr;
  char* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace viaduct::codec

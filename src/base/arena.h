// SPDX-License-Identifier: Apache-2.0
// A bump allocator for everything that lives as long as one exchange: field texts, lists, small objects. The first
// bytes come from a block inside the arena itself, further ones from the worker's chunks, so that after warm-up an
// exchange allocates nothing. Freed as a whole. One thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/buffer.h"

namespace viaduct::base {

// Runs the destructor of an object in an arena; the memory stays until the arena is cleared.
struct ArenaDelete {
  template <typename T>
  void operator()(T* object) const {
    std::destroy_at(object);
  }
};

template <typename T>
using ArenaPtr = std::unique_ptr<T, ArenaDelete>;

class Arena {
 public:
  static constexpr std::size_t kInlineBytes = 3072;

  // `chunks` must outlive the arena.
  explicit Arena(ChunkPool& chunks) : chunks_(chunks), next_(inline_), end_(inline_ + kInlineBytes) {}
  ~Arena() { clear(); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Returns `size` bytes, aligned; never null. Requests larger than a chunk get their own block.
  void* allocate(std::size_t size, std::size_t alignment) {
    auto at = (reinterpret_cast<std::uintptr_t>(next_) + alignment - 1) & ~(alignment - 1);
    if (at + size <= reinterpret_cast<std::uintptr_t>(end_)) {
      next_ = reinterpret_cast<char*>(at + size);
      return reinterpret_cast<void*>(at);
    }
    return allocate_slowly(size, alignment);
  }

  // Copies `text` into the arena.
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* bytes = static_cast<char*>(allocate(text.size(), 1));
    std::memcpy(bytes, text.data(), text.size());
    return {bytes, text.size()};
  }

  // Joins two texts, the second behind the first. Free of a copy when `head` is the arena's last allocation.
  std::string_view append(std::string_view head, std::string_view tail);

  // Makes an object whose destructor need not run.
  template <typename T, typename... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>, "use make_owned for objects with a destructor");
    return ::new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
  }

  // Makes an object whose destructor runs when the returned owner goes. The owner must go before the arena is cleared.
  template <typename T, typename... Args>
  ArenaPtr<T> make_owned(Args&&... args) {
    return ArenaPtr<T>(::new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...));
  }

  // An uninitialised array of `count` trivially copyable elements.
  template <typename T>
  T* make_array(std::size_t count) {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
    return static_cast<T*>(allocate(sizeof(T) * count, alignof(T)));
  }

  // Gives all memory back; every view into the arena is invalid afterwards.
  void clear();

 private:
  void* allocate_slowly(std::size_t size, std::size_t alignment);
  // Makes a block of `size` bytes the one that further allocations come from.
  void use_block(std::size_t size);

  ChunkPool& chunks_;
  char* next_;
  char* end_;
  Chunk* full_ = nullptr;                       // chunks in use, newest first
  std::vector<std::unique_ptr<char[]>> large_;  // blocks larger than a chunk
  alignas(std::max_align_t) char inline_[kInlineBytes];
};

}  // namespace viaduct::base

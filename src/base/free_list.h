// SPDX-License-Identifier: Apache-2.0
// Keeps the storage of objects of one type for reuse, so that after warm-up making one allocates nothing. Objects are
// constructed and destroyed each time; only the memory stays. One thread. All objects must be freed before the list is.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace viaduct::base {

template <typename T>
class FreeList {
 public:
  // Storage beyond `idle_max` objects goes back to the system.
  explicit FreeList(std::size_t idle_max) : idle_max_(idle_max) {}
  FreeList(const FreeList&) = delete;
  FreeList& operator=(const FreeList&) = delete;

  // Constructs an object. Pair with free().
  template <typename... Args>
  T* make(Args&&... args) {
    std::unique_ptr<Storage> storage;
    if (idle_.empty()) {
      storage = std::make_unique_for_overwrite<Storage>();
    } else {
      storage = std::move(idle_.back());
      idle_.pop_back();
    }
    T* object = std::construct_at(reinterpret_cast<T*>(storage->bytes), std::forward<Args>(args)...);
    storage.release();
    ++in_use_;
    return object;
  }

  // Destroys an object that make() returned.
  void free(T* object) {
    std::destroy_at(object);
    std::unique_ptr<Storage> storage(reinterpret_cast<Storage*>(object));
    if (idle_.size() < idle_max_) {
      idle_.push_back(std::move(storage));
    } else {
      freed_bytes_ += sizeof(Storage);
    }
    --in_use_;
  }

  std::size_t in_use() const { return in_use_; }
  // What has gone back to the system since the call before.
  std::size_t take_freed_bytes() { return std::exchange(freed_bytes_, 0); }

 private:
  struct Storage {
    alignas(T) std::byte bytes[sizeof(T)];
  };

  std::size_t idle_max_;
  std::size_t in_use_ = 0;
  std::size_t freed_bytes_ = 0;
  std::vector<std::unique_ptr<Storage>> idle_;
};

}  // namespace viaduct::base

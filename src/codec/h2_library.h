// SPDX-License-Identifier: Apache-2.0
// What all HTTP/2 connections of one worker share: memory for nghttp2 and for streams, which comes from free lists so
// that a request allocates nothing after warm-up, and the options of nghttp2. Owned by the worker; outlives every
// H2Session. One thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace viaduct::codec {

// Blocks of memory by size: powers of two from 64 bytes; larger ones come from the system each time.
class H2Memory {
 public:
  static constexpr std::size_t kSmallestBytes = 64;
  static constexpr std::size_t kClasses = 10;  // up to 32 KiB
  // Bytes of each class that are kept for reuse.
  static constexpr std::size_t kIdleBytesMax = std::size_t{512} * 1024;

  H2Memory();
  ~H2Memory();
  H2Memory(const H2Memory&) = delete;
  H2Memory& operator=(const H2Memory&) = delete;

  // Aligned for every type; `size` may be 0. Pair with give_back().
  void* take(std::size_t size);
  // Null is fine.
  void give_back(void* bytes);
  // Constructs an object in such a block. Pair with destroy().
  template <typename T, typename... Args>
  T* make(Args&&... args) {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    return std::construct_at(static_cast<T*>(take(sizeof(T))), std::forward<Args>(args)...);
  }
  template <typename T>
  void destroy(T* object) {
    std::destroy_at(object);
    give_back(object);
  }
  // Moves `bytes`, which may be null, into a block of at least `size` bytes.
  void* resize(void* bytes, std::size_t size);

  // Blocks that were asked from the system: stands still after warm-up.
  std::size_t system_calls() const { return system_calls_; }
  nghttp2_mem* functions() { return &functions_; }

 private:
  struct Block;

  static std::size_t class_of(std::size_t size);
  static std::size_t bytes_of(std::size_t size_class) { return kSmallestBytes << size_class; }

  std::array<Block*, kClasses> free_{};
  std::array<std::size_t, kClasses> idle_bytes_{};
  std::size_t system_calls_ = 0;
  nghttp2_mem functions_;
};

struct H2CallbacksDelete {
  void operator()(nghttp2_session_callbacks* callbacks) const { nghttp2_session_callbacks_del(callbacks); }
};
struct H2OptionDelete {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};

class H2Library {
 public:
  H2Library();
  H2Library(const H2Library&) = delete;
  H2Library& operator=(const H2Library&) = delete;

  H2Memory& memory() { return memory_; }
  // Without any function yet: H2Session fills them in for its sessions.
  nghttp2_session_callbacks* callbacks() { return callbacks_.get(); }
  const nghttp2_option* option() const { return option_.get(); }
  // Payload takes more memory than it may: streams get as little room as lets them go on.
  void set_memory_short(bool is_short) { is_memory_short_ = is_short; }
  bool is_memory_short() const { return is_memory_short_; }

 private:
  H2Memory memory_;
  bool is_memory_short_ = false;
  std::unique_ptr<nghttp2_session_callbacks, H2CallbacksDelete> callbacks_;
  std::unique_ptr<nghttp2_option, H2OptionDelete> option_;
};

}  // namespace viaduct::codec

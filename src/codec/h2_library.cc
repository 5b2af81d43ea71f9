// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_library.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "codec/h2_session.h"

namespace viaduct::codec {
namespace {

// nghttp2 counts resets and acknowledgements too; its bounds lie behind those of H2FloodGuard, which name the reason.
constexpr std::uint64_t kResetsBurst = 100'000;
constexpr std::uint64_t kResetsPerSecond = 10'000;
constexpr std::size_t kAcksQueuedMax = 1000;
// Counted once more with each read in which the header of the next CONTINUATION frame is still not whole.
constexpr std::size_t kContinuationsMax = 1000;
// A block of more bytes would not be sent at all, without a word. Heads are bounded where they are read, by less.
constexpr std::size_t kHeaderBlockBytesMax = 4 * 1024 * 1024;

H2Memory& memory_of(void* user_data) {
  return *static_cast<H2Memory*>(user_data);
}

}  // namespace

// Stands in front of the bytes that are handed out.
struct alignas(std::max_align_t) H2Memory::Block {
  Block* next = nullptr;       // in a free list
  std::size_t size_class = 0;  // kClasses: from the system
  std::size_t bytes = 0;       // that the caller may use

  static Block* of(void* bytes) { return static_cast<Block*>(bytes) - 1; }
  void* content() { return this + 1; }
};

H2Memory::H2Memory()
    : functions_{
          .mem_user_data = this,
          .malloc = [](std::size_t size, void* self) { return memory_of(self).take(size); },
          .free = [](void* block, void* self) { memory_of(self).give_back(block); },
          .calloc =
              [](std::size_t count, std::size_t size, void* self) {
                void* block = memory_of(self).take(count * size);
                std::memset(block, 0, count * size);
                return block;
              },
          .realloc = [](void* block, std::size_t size, void* self) { return memory_of(self).resize(block, size); }} {}

H2Memory::~H2Memory() {
  for (Block* block : free_) {
    while (block != nullptr) {
      const std::unique_ptr<std::byte[]> storage(reinterpret_cast<std::byte*>(std::exchange(block, block->next)));
    }
  }
}

std::size_t H2Memory::class_of(std::size_t size) {
  if (size <= kSmallestBytes) return 0;
  const auto bits = static_cast<std::size_t>(std::bit_width((size - 1) / kSmallestBytes));
  return std::min(bits, kClasses);
}

void* H2Memory::take(std::size_t size) {
  const std::size_t size_class = class_of(size);
  if (size_class < kClasses && free_[size_class] != nullptr) {
    Block* block = free_[size_class];
    free_[size_class] = block->next;
    idle_bytes_[size_class] -= bytes_of(size_class);
    return block->content();
  }
  ++system_calls_;
  const std::size_t bytes = size_class < kClasses ? bytes_of(size_class) : size;
  auto storage = std::make_unique_for_overwrite<std::byte[]>(sizeof(Block) + bytes);
  Block* block = std::construct_at(reinterpret_cast<Block*>(storage.release()));
  block->size_class = size_class;
  block->bytes = bytes;
  return block->content();
}

void H2Memory::give_back(void* bytes) {
  if (bytes == nullptr) return;
  Block* block = Block::of(bytes);
  const std::size_t size_class = block->size_class;
  if (size_class < kClasses && idle_bytes_[size_class] < kIdleBytesMax) {
    block->next = std::exchange(free_[size_class], block);
    idle_bytes_[size_class] += bytes_of(size_class);
    return;
  }
  const std::unique_ptr<std::byte[]> storage(reinterpret_cast<std::byte*>(block));
}

void* H2Memory::resize(void* bytes, std::size_t size) {
  if (bytes == nullptr) return take(size);
  const std::size_t present = Block::of(bytes)->bytes;
  if (size <= present) return bytes;
  void* larger = take(size);
  std::memcpy(larger, bytes, present);
  give_back(bytes);
  return larger;
}

H2Library::H2Library() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
  callbacks_.reset(callbacks);
  option_.reset(option);
  H2Session::set_callbacks(*callbacks);
  // Windows open as bodies are taken, and what a message must be is decided in one place for both directions,
  // h2_head_reader, which names the reason.
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_http_messaging(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
  // Never server_fallback_rfc7540_priorities: nghttp2 then aborts at a PRIORITY_UPDATE for a response that is under
  // way.
  nghttp2_option_set_stream_reset_rate_limit(option, kResetsBurst, kResetsPerSecond);
  nghttp2_option_set_max_outbound_ack(option, kAcksQueuedMax);
  nghttp2_option_set_max_continuations(option, kContinuationsMax);
  nghttp2_option_set_max_send_header_block_length(option, kHeaderBlockBytesMax);
}

}  // namespace viaduct::codec

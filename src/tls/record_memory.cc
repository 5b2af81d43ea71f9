// SPDX-License-Identifier: Apache-2.0
#include "tls/record_memory.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include <array>
#include <cstdlib>

// What is not kept goes to the C library, as OpenSSL's own functions do it.
// NOLINTBEGIN(cppcoreguidelines-no-malloc)
namespace viaduct::tls {
namespace {

// What a thread keeps. Plain memory without a destructor: OpenSSL frees its own when a thread ends, in no order that
// could be relied on.
struct Kept {
  std::array<void*, kRecordBuffersKept> buffers;
  std::size_t count;
  bool is_over;  // the thread ends
};
constinit thread_local Kept kept{};

// Gives back what the thread keeps when it ends.
class Keeper {
 public:
  Keeper() = default;
  ~Keeper() {
    kept.is_over = true;
    while (kept.count > 0) {
      --kept.count;
      std::free(kept.buffers[kept.count]);
    }
  }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
};

bool keep(void* memory) {
  const std::size_t bytes = malloc_usable_size(memory);
  if (bytes < kRecordBytesMin || bytes > kRecordBytesMax) return false;
  if (kept.is_over || kept.count == kept.buffers.size()) return false;
  static thread_local const Keeper keeper;
  kept.buffers[kept.count] = memory;
  ++kept.count;
  return true;
}

}  // namespace

bool keep_record_memory() {
#ifdef __SANITIZE_ADDRESS__
  return false;  // kept memory would hide who uses it when it is free
#else
  return CRYPTO_set_mem_functions(
             [](std::size_t bytes, const char* /*file*/, int /*line*/) { return take_record_memory(bytes); },
             [](void* memory, std::size_t bytes, const char* /*file*/, int /*line*/) {
               return resize_record_memory(memory, bytes);
             },
             [](void* memory, const char* /*file*/, int /*line*/) { return_record_memory(memory); }) == 1;
#endif
}

void* take_record_memory(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const bool is_kind = bytes >= kRecordBytesMin && bytes <= kRecordBytesMax;
  for (std::size_t i = is_kind ? kept.count : 0; i > 0; --i) {
    void* memory = kept.buffers[i - 1];
    if (malloc_usable_size(memory) < bytes) continue;
    --kept.count;
    kept.buffers[i - 1] = kept.buffers[kept.count];
    return memory;
  }
  return std::malloc(bytes);
}

void* resize_record_memory(void* memory, std::size_t bytes) {
  if (memory == nullptr) return take_record_memory(bytes);
  if (bytes > 0) return std::realloc(memory, bytes);
  return_record_memory(memory);
  return nullptr;
}

void return_record_memory(void* memory) {
  if (memory != nullptr && !keep(memory)) std::free(memory);
}

}  // namespace viaduct::tls
// NOLINTEND(cppcoreguidelines-no-malloc)

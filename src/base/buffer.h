// SPDX-License-Identifier: Apache-2.0
// The only container for payload: a chain of slices of reference-counted chunks from the worker's pool. Bytes that
// arrive in a chunk travel from buffer to buffer as slices and are never copied. One thread (the worker that owns the
// pool).
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace viaduct::base {

class ChunkPool;

// A block of bytes shared by slices. `used` marks how far it has been filled, so that only the slice that ends there
// may grow.
struct Chunk {
  static constexpr std::size_t kBytes = 16 * 1024;

  Chunk* next = nullptr;  // in the pool's free list, or in an arena
  std::uint32_t references = 0;
  std::uint32_t used = 0;
  char bytes[kBytes];
};

// A run of bytes in a chunk.
struct Slice {
  Slice* next = nullptr;
  Chunk* chunk = nullptr;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// Free lists of chunks and slices, one for each worker. Keeps what is given back for reuse, so that a steady load takes
// nothing from the system however many requests are under way; trim() lets go of what a load that has passed needed.
class ChunkPool {
 public:
  // Chunks that trim() leaves in any case: 1 MiB.
  static constexpr std::size_t kKeptChunksMin = 64;
  // Chunks that one trim() frees at most, so that nobody waits for it.
  static constexpr std::size_t kTrimMax = 1024;

  ChunkPool() = default;
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // A chunk with one reference and nothing used.
  Chunk* take_chunk();
  // Puts a chunk back whatever its count says: for owners that do not count (Arena).
  void give_back(Chunk* chunk);
  // Drops one reference.
  void release(Chunk* chunk) {
    if (--chunk->references == 0) give_back(chunk);
  }
  Slice* take_slice();
  void give_back(Slice* slice) {
    slice->next = free_slices_;
    free_slices_ = slice;
  }
  // Frees idle chunks beyond the most that were in use since the call before; at most half of the chunks go at once, so
  // that a load with pauses keeps its memory. To be called again and again. Returns how many bytes went.
  std::size_t trim();
  // Chunks handed out at this moment, and those that wait to be: for limits and tests.
  std::size_t chunks_in_use() const { return chunks_in_use_; }
  std::size_t idle_chunks() const { return idle_chunks_; }

 private:
  Chunk* free_chunks_ = nullptr;
  std::size_t idle_chunks_ = 0;
  std::size_t chunks_in_use_ = 0;
  std::size_t peak_in_use_ = 0;  // since the last trim()
  Slice* free_slices_ = nullptr;
};

// A queue of bytes. Movable; not copyable.
class Buffer {
 public:
  // Runs of at most this many bytes are copied behind the last ones where its chunk has room, or into a chunk of their
  // own where the run before them is as small, instead of keeping alive the chunk in which they came: a body that
  // arrives byte by byte, or in chunks of one byte, would hold 16 KiB for each of them.
  static constexpr std::size_t kCopyBytesMax = 1024;

  // `pool` must outlive the buffer.
  explicit Buffer(ChunkPool& pool) : pool_(&pool) {}
  ~Buffer() { clear(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;

  ChunkPool& pool() const { return *pool_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Copies `bytes` to the end.
  void append(std::string_view bytes);
  // Moves all bytes of `other` to the end.
  void take_all(Buffer& other);
  // Moves the first `count` bytes of `other` to the end. REQUIRES: count <= other.size().
  void take(Buffer& other, std::size_t count);

  // Appends the bytes of `other` without taking them away: both buffers then refer to the same chunks.
  void share(const Buffer& other);

  // The same for `count` bytes at `offset` of all. REQUIRES: offset + count <= other.size().
  void share_part(const Buffer& other, std::size_t offset, std::size_t count);

  // The same for `count` bytes at `offset` of the first run of `other`. REQUIRES: offset + count <=
  // other.front().size().
  void share_run(const Buffer& other, std::size_t offset, std::size_t count);

  // Room at the end for at least `minimum` bytes (at most Chunk::kBytes); filled by the caller, then commit()ted.
  std::span<char> writable(std::size_t minimum);
  // Makes the first `count` bytes of the last writable() part of the buffer.
  void commit(std::size_t count);

  // Room for one large read: fills `entries` with one empty chunk each and returns the bytes offered. REQUIRES: the
  // buffer is empty. Pair with commit_chunks().
  std::size_t reserve_chunks(std::span<iovec> entries);
  // Makes the first `count` bytes of the reserved chunks the buffer's content and gives the unused chunks back.
  void commit_chunks(std::size_t count);

  // The first run of bytes, empty when the buffer is.
  std::string_view front() const;
  // Removes the first `count` bytes. REQUIRES: count <= size().
  void drop(std::size_t count);
  void clear();

  // Describes the first bytes for writev(2); returns how many entries were filled.
  std::size_t describe(std::span<iovec> entries) const;
  // Calls `visit(std::string_view)` for each run of bytes, first to last.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const Slice* slice = head_; slice != nullptr; slice = slice->next) {
      visit(std::string_view(slice->chunk->bytes + slice->begin, slice->end - slice->begin));
    }
  }
  // A copy of all bytes: for tests and cold paths.
  std::string to_string() const;

 private:
  void push(Chunk* chunk, std::uint32_t begin, std::uint32_t end);
  void link(Slice* slice);
  // Copies `bytes` to the end if they are few and fit into the last chunk; false where not.
  bool copies_small(std::string_view bytes);
  void pop_front();

  ChunkPool* pool_;
  Slice* head_ = nullptr;
  Slice* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace viaduct::base

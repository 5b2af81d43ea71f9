// SPDX-License-Identifier: Apache-2.0
#include "base/buffer.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "base/check.h"

namespace viaduct::base {

ChunkPool::~ChunkPool() {
  while (free_chunks_ != nullptr) {
    const std::unique_ptr<Chunk> chunk(std::exchange(free_chunks_, free_chunks_->next));
  }
  while (free_slices_ != nullptr) {
    const std::unique_ptr<Slice> slice(std::exchange(free_slices_, free_slices_->next));
  }
}

Chunk* ChunkPool::take_chunk() {
  Chunk* chunk = free_chunks_;
  if (chunk != nullptr) {
    free_chunks_ = chunk->next;
    --idle_chunks_;
  } else {
    chunk = std::make_unique_for_overwrite<Chunk>().release();
  }
  chunk->next = nullptr;
  chunk->references = 1;
  chunk->used = 0;
  ++chunks_in_use_;
  peak_in_use_ = std::max(peak_in_use_, chunks_in_use_);
  return chunk;
}

void ChunkPool::give_back(Chunk* chunk) {
  --chunks_in_use_;
  chunk->next = free_chunks_;
  free_chunks_ = chunk;
  ++idle_chunks_;
}

std::size_t ChunkPool::trim() {
  const std::size_t all = chunks_in_use_ + idle_chunks_;
  const std::size_t kept = std::max({kKeptChunksMin, peak_in_use_, all / 2});
  std::size_t freed = 0;
  for (; freed < kTrimMax && idle_chunks_ > 0 && chunks_in_use_ + idle_chunks_ > kept; ++freed) {
    const std::unique_ptr<Chunk> chunk(std::exchange(free_chunks_, free_chunks_->next));
    --idle_chunks_;
  }
  peak_in_use_ = chunks_in_use_;
  return freed * sizeof(Chunk);
}

Slice* ChunkPool::take_slice() {
  Slice* slice = free_slices_;
  if (slice == nullptr) return std::make_unique<Slice>().release();
  free_slices_ = slice->next;
  return slice;
}

Buffer::Buffer(Buffer&& other) noexcept
    : pool_(other.pool_),
      head_(std::exchange(other.head_, nullptr)),
      tail_(std::exchange(other.tail_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  clear();
  pool_ = other.pool_;
  head_ = std::exchange(other.head_, nullptr);
  tail_ = std::exchange(other.tail_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

void Buffer::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::span<char> room = writable(1);
    const std::size_t count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    commit(count);
    bytes.remove_prefix(count);
  }
}

void Buffer::take_all(Buffer& other) {
  if (this != &other) take(other, other.size_);
}

void Buffer::take(Buffer& other, std::size_t count) {
  DCHECK(count <= other.size_);
  while (count > 0) {
    Slice* slice = other.head_;
    const std::size_t length = std::min<std::size_t>(slice->end - slice->begin, count);
    const bool is_whole = slice->begin + length == slice->end;
    if (copies_small({slice->chunk->bytes + slice->begin, length})) {
      other.drop(length);
    } else if (is_whole) {
      other.head_ = slice->next;
      if (other.head_ == nullptr) other.tail_ = nullptr;
      other.size_ -= length;
      link(slice);
    } else {
      ++slice->chunk->references;
      push(slice->chunk, slice->begin, slice->begin + static_cast<std::uint32_t>(length));
      slice->begin += static_cast<std::uint32_t>(length);
      other.size_ -= length;
    }
    count -= length;
  }
}

bool Buffer::copies_small(std::string_view bytes) {
  if (bytes.size() > kCopyBytesMax || tail_ == nullptr) return false;
  const bool has_room = tail_->end == tail_->chunk->used && Chunk::kBytes - tail_->end >= bytes.size();
  if (!has_room) {
    // One small run may keep a chunk alive, a second one behind it not.
    if (bytes.empty() || tail_->end - tail_->begin > kCopyBytesMax) return false;
    push(pool_->take_chunk(), 0, 0);
  }
  std::memcpy(tail_->chunk->bytes + tail_->end, bytes.data(), bytes.size());
  commit(bytes.size());
  return true;
}

void Buffer::share(const Buffer& other) {
  for (const Slice* slice = other.head_; slice != nullptr; slice = slice->next) {
    ++slice->chunk->references;
    push(slice->chunk, slice->begin, slice->end);
  }
}

void Buffer::share_part(const Buffer& other, std::size_t offset, std::size_t count) {
  DCHECK(offset + count <= other.size_);
  for (const Slice* slice = other.head_; count > 0; slice = slice->next) {
    const std::size_t length = slice->end - slice->begin;
    if (offset >= length) {
      offset -= length;
      continue;
    }
    const std::size_t shared = std::min(length - offset, count);
    const auto begin = slice->begin + static_cast<std::uint32_t>(offset);
    if (!copies_small({slice->chunk->bytes + begin, shared})) {
      ++slice->chunk->references;
      push(slice->chunk, begin, begin + static_cast<std::uint32_t>(shared));
    }
    offset = 0;
    count -= shared;
  }
}

void Buffer::share_run(const Buffer& other, std::size_t offset, std::size_t count) {
  const std::string_view run = other.front();
  DCHECK(offset + count <= run.size());
  if (count == 0 || copies_small(run.substr(offset, count))) return;
  const Slice* slice = other.head_;
  while (slice->end == slice->begin) slice = slice->next;
  ++slice->chunk->references;
  const auto begin = slice->begin + static_cast<std::uint32_t>(offset);
  push(slice->chunk, begin, begin + static_cast<std::uint32_t>(count));
}

std::span<char> Buffer::writable(std::size_t minimum) {
  DCHECK(minimum <= Chunk::kBytes);
  if (tail_ != nullptr && tail_->end == tail_->chunk->used && Chunk::kBytes - tail_->end >= minimum) {
    return {tail_->chunk->bytes + tail_->end, Chunk::kBytes - tail_->end};
  }
  Chunk* chunk = pool_->take_chunk();
  push(chunk, 0, 0);
  return {chunk->bytes, Chunk::kBytes};
}

void Buffer::commit(std::size_t count) {
  DCHECK(tail_ != nullptr && tail_->end + count <= Chunk::kBytes);
  tail_->end += static_cast<std::uint32_t>(count);
  tail_->chunk->used = tail_->end;
  size_ += count;
  // An empty read leaves nothing behind, so that idle connections hold no chunk.
  if (size_ == 0) clear();
}

std::size_t Buffer::reserve_chunks(std::span<iovec> entries) {
  DCHECK(head_ == nullptr);
  for (iovec& entry : entries) {
    Chunk* chunk = pool_->take_chunk();
    push(chunk, 0, 0);
    entry = {.iov_base = chunk->bytes, .iov_len = Chunk::kBytes};
  }
  return entries.size() * Chunk::kBytes;
}

void Buffer::commit_chunks(std::size_t count) {
  Slice* last = nullptr;
  for (Slice* slice = head_; slice != nullptr && count > 0; slice = slice->next) {
    const auto length = static_cast<std::uint32_t>(std::min(count, Chunk::kBytes));
    slice->end = slice->chunk->used = length;
    size_ += length;
    count -= length;
    last = slice;
  }
  Slice* unused = last == nullptr ? std::exchange(head_, nullptr) : std::exchange(last->next, nullptr);
  tail_ = last;
  while (unused != nullptr) {
    Slice* next = unused->next;
    pool_->release(unused->chunk);
    pool_->give_back(unused);
    unused = next;
  }
}

std::string_view Buffer::front() const {
  for (const Slice* slice = head_; slice != nullptr; slice = slice->next) {
    if (slice->end > slice->begin) return {slice->chunk->bytes + slice->begin, slice->end - slice->begin};
  }
  return {};
}

void Buffer::drop(std::size_t count) {
  DCHECK(count <= size_);
  size_ -= count;
  while (head_ != nullptr) {
    const std::size_t length = head_->end - head_->begin;
    if (length > count) {
      head_->begin += static_cast<std::uint32_t>(count);
      return;
    }
    count -= length;
    pop_front();
  }
}

void Buffer::clear() {
  while (head_ != nullptr) pop_front();
  size_ = 0;
}

std::size_t Buffer::describe(std::span<iovec> entries) const {
  std::size_t filled = 0;
  for (const Slice* slice = head_; slice != nullptr && filled < entries.size(); slice = slice->next) {
    if (slice->end == slice->begin) continue;
    entries[filled++] = {.iov_base = slice->chunk->bytes + slice->begin, .iov_len = slice->end - slice->begin};
  }
  return filled;
}

std::string Buffer::to_string() const {
  std::string text;
  text.reserve(size_);
  for_each([&text](std::string_view run) { text += run; });
  return text;
}

void Buffer::push(Chunk* chunk, std::uint32_t begin, std::uint32_t end) {
  Slice* slice = pool_->take_slice();
  *slice = {.next = nullptr, .chunk = chunk, .begin = begin, .end = end};
  link(slice);
}

void Buffer::link(Slice* slice) {
  slice->next = nullptr;
  (tail_ == nullptr ? head_ : tail_->next) = slice;
  tail_ = slice;
  size_ += slice->end - slice->begin;
}

void Buffer::pop_front() {
  Slice* slice = head_;
  head_ = slice->next;
  if (head_ == nullptr) tail_ = nullptr;
  pool_->release(slice->chunk);
  pool_->give_back(slice);
}

}  // namespace viaduct::base

// SPDX-License-Identifier: Apache-2.0
#include "base/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace viaduct::base {
namespace {

constexpr std::size_t kChunk = Chunk::kBytes;

// Bytes that show where they come from.
std::string pattern(std::size_t size, std::size_t seed = 0) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i + seed) * 31 % 251);
  return text;
}

class BufferTest : public testing::Test {
 protected:
  // A fixture ends with all chunks given back.
  ~BufferTest() override { EXPECT_EQ(pool_.chunks_in_use(), 0u); }

  ChunkPool pool_;
};

TEST_F(BufferTest, HoldsWhatIsAppendedAroundTheSizeOfAChunk) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kChunk - 1, kChunk, kChunk + 1, 3 * kChunk, 100000ul}) {
    Buffer buffer(pool_);
    const std::string text = pattern(size);
    buffer.append(text);
    EXPECT_EQ(buffer.size(), size);
    EXPECT_EQ(buffer.empty(), size == 0);
    EXPECT_EQ(buffer.to_string(), text);
    EXPECT_EQ(pool_.chunks_in_use(), (size + kChunk - 1) / kChunk);
  }
}

TEST_F(BufferTest, FillsAChunkBeforeItTakesAnother) {
  Buffer buffer(pool_);
  const std::string text = pattern(kChunk);
  for (const char& byte : text) buffer.append({&byte, 1});
  EXPECT_EQ(pool_.chunks_in_use(), 1u);
  EXPECT_EQ(buffer.to_string(), text);
  buffer.append("x");
  EXPECT_EQ(pool_.chunks_in_use(), 2u);
}

TEST_F(BufferTest, GrantsAtLeastTheRoomThatIsAskedFor) {
  Buffer buffer(pool_);
  EXPECT_EQ(buffer.writable(1).size(), kChunk);
  buffer.commit(0);
  EXPECT_EQ(pool_.chunks_in_use(), 0u);  // an empty read leaves nothing behind
  buffer.append(std::string(kChunk - 10, 'a'));
  EXPECT_EQ(buffer.writable(10).size(), 10u);
  EXPECT_EQ(pool_.chunks_in_use(), 1u);
  const std::span<char> room = buffer.writable(11);
  EXPECT_EQ(room.size(), kChunk);
  EXPECT_EQ(pool_.chunks_in_use(), 2u);
  std::ranges::fill(room.first(3), 'b');
  buffer.commit(3);
  EXPECT_EQ(buffer.to_string(), std::string(kChunk - 10, 'a') + "bbb");
}

TEST_F(BufferTest, SkipsRoomThatWasNotUsed) {
  Buffer buffer(pool_);
  buffer.append(std::string(kChunk - 10, 'a'));
  buffer.writable(kChunk);
  buffer.commit(0);
  EXPECT_EQ(buffer.size(), kChunk - 10);
  EXPECT_EQ(buffer.to_string(), std::string(kChunk - 10, 'a'));
  buffer.drop(kChunk - 10);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.front(), "");
  buffer.append("b");
  EXPECT_EQ(buffer.front(), "b");
}

TEST_F(BufferTest, DropsFromTheFront) {
  const std::string text = pattern(2 * kChunk + 5);
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, kChunk - 1, kChunk, kChunk + 1, 2 * kChunk + 5}) {
    Buffer buffer(pool_);
    buffer.append(text);
    buffer.drop(count);
    EXPECT_EQ(buffer.size(), text.size() - count);
    EXPECT_EQ(buffer.to_string(), text.substr(count));
  }
}

TEST_F(BufferTest, TakesAllWithoutCopying) {
  Buffer from(pool_);
  Buffer to(pool_);
  from.append(pattern(kChunk + 7));
  const char* bytes = from.front().data();
  to.take_all(from);
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(to.front().data(), bytes);
  EXPECT_EQ(to.to_string(), pattern(kChunk + 7));
  from.append("x");
  to.take_all(from);
  EXPECT_EQ(to.to_string(), pattern(kChunk + 7) + "x");
  to.take_all(from);
  to.take_all(to);
  EXPECT_EQ(to.to_string(), pattern(kChunk + 7) + "x");
}

TEST_F(BufferTest, TakesPartsWithoutCopying) {
  const std::string text = pattern(2 * kChunk + 5);
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, kChunk - 1, kChunk, kChunk + 1, 2 * kChunk + 5}) {
    Buffer from(pool_);
    Buffer to(pool_);
    to.append("head ");
    from.append(text);
    to.take(from, count);
    EXPECT_EQ(to.to_string(), "head " + text.substr(0, count));
    EXPECT_EQ(from.to_string(), text.substr(count));
    EXPECT_EQ(pool_.chunks_in_use(), 4u) << count;
  }
}

TEST_F(BufferTest, NeverWritesIntoBytesThatAnotherBufferHolds) {
  Buffer first(pool_);
  Buffer second(pool_);
  first.append("one two");
  second.take(first, 4);
  EXPECT_EQ(pool_.chunks_in_use(), 1u);
  second.append("three");  // must not grow over "two" in the shared chunk
  first.append(" four");
  EXPECT_EQ(second.to_string(), "one three");
  EXPECT_EQ(first.to_string(), "two four");
}

TEST_F(BufferTest, SharesItsBytes) {
  Buffer first(pool_);
  Buffer second(pool_);
  const std::string text = pattern(kChunk + 3);
  first.append(text);
  second.append("head ");
  second.share(first);
  EXPECT_EQ(pool_.chunks_in_use(), 3u);
  first.append("1");
  second.append("2");
  EXPECT_EQ(first.to_string(), text + "1");
  EXPECT_EQ(second.to_string(), "head " + text + "2");
  first.clear();
  EXPECT_EQ(second.to_string(), "head " + text + "2");
}

TEST_F(BufferTest, SharesARunOfItsBytes) {
  Buffer first(pool_);
  const std::string text = pattern(kChunk + 5000);
  first.append(text);
  first.drop(100);
  const std::string run(first.front());
  ASSERT_EQ(run.size(), kChunk - 100);
  for (const auto& [offset, count] : {std::pair{0uz, 0uz},
                                      {0uz, 1uz},
                                      {0uz, Buffer::kCopyBytesMax},
                                      {7uz, Buffer::kCopyBytesMax + 1},
                                      {7uz, run.size() - 7},
                                      {run.size(), 0uz}}) {
    Buffer second(pool_);
    second.share_run(first, offset, count);
    EXPECT_EQ(second.to_string(), run.substr(offset, count));
    second.append("head");
    second.share_run(first, offset, count);
    EXPECT_EQ(second.to_string(), run.substr(offset, count) + "head" + run.substr(offset, count));
    EXPECT_EQ(second.size(), 2 * count + 4);
  }
  EXPECT_EQ(first.to_string(), text.substr(100)) << "nothing was taken away";
  Buffer kept(pool_);
  kept.share_run(first, 7, 5000);
  first.append("more");
  first.clear();
  kept.append("1");
  EXPECT_EQ(kept.to_string(), run.substr(7, 5000) + "1");
}

TEST_F(BufferTest, SharesAPartOfAllItsBytes) {
  Buffer first(pool_);
  const std::string text = pattern(3 * kChunk);
  first.append(text);
  for (const auto& [offset, count] : {std::pair{0uz, 0uz},
                                      {0uz, text.size()},
                                      {0uz, 1uz},
                                      {kChunk - 1, 2uz},
                                      {kChunk, kChunk},
                                      {kChunk - 2000, 2 * kChunk},
                                      {text.size() - 1, 1uz},
                                      {text.size(), 0uz}}) {
    Buffer second(pool_);
    second.share_part(first, offset, count);
    EXPECT_EQ(second.to_string(), text.substr(offset, count)) << offset << " " << count;
    second.append("tail");
    second.share_part(first, offset, count);
    EXPECT_EQ(second.to_string(), text.substr(offset, count) + "tail" + text.substr(offset, count));
  }
  EXPECT_EQ(first.to_string(), text) << "nothing was taken away or changed";
}

TEST_F(BufferTest, CopiesShortRunsThatItShares) {
  Buffer first(pool_);
  Buffer second(pool_);
  first.append(pattern(kChunk));
  second.append("x");
  second.share_run(first, 0, Buffer::kCopyBytesMax);
  first.clear();
  EXPECT_EQ(pool_.chunks_in_use(), 1u) << "the first buffer's chunk is free";
  EXPECT_EQ(second.to_string(), "x" + pattern(kChunk).substr(0, Buffer::kCopyBytesMax));
}

TEST_F(BufferTest, SharesFromTheFirstRunThatHasBytes) {
  Buffer first(pool_);
  Buffer second(pool_);
  // Room that was not used leaves an empty run in front.
  first.append("one");
  first.writable(kChunk);
  first.drop(3);
  first.append(pattern(2000));
  second.share_run(first, 0, 2000);
  EXPECT_EQ(second.to_string(), pattern(2000));
}

TEST_F(BufferTest, IsMovedWithItsBytes) {
  Buffer first(pool_);
  first.append("a");
  Buffer second(std::move(first));
  EXPECT_EQ(second.to_string(), "a");
  Buffer third(pool_);
  third.append("gone");
  third = std::move(second);
  EXPECT_EQ(third.to_string(), "a");
  EXPECT_EQ(&third.pool(), &pool_);
  EXPECT_EQ(pool_.chunks_in_use(), 1u);
}

TEST_F(BufferTest, DescribesItselfForWritev) {
  Buffer buffer(pool_);
  std::array<iovec, 2> entries{};
  EXPECT_EQ(buffer.describe(entries), 0u);
  const std::string text = pattern(2 * kChunk + 1);
  buffer.append(text);
  ASSERT_EQ(buffer.describe(entries), 2u);
  EXPECT_EQ(entries[0].iov_len, kChunk);
  EXPECT_EQ(entries[1].iov_len, kChunk);
  EXPECT_EQ(static_cast<const char*>(entries[1].iov_base)[0], text[kChunk]);
  std::array<iovec, 8> more{};
  ASSERT_EQ(buffer.describe(more), 3u);
  EXPECT_EQ(more[2].iov_len, 1u);
}

TEST_F(BufferTest, VisitsItsRunsInOrder) {
  Buffer buffer(pool_);
  buffer.append(pattern(kChunk + 1));
  std::vector<std::size_t> sizes;
  buffer.for_each([&sizes](std::string_view run) { sizes.push_back(run.size()); });
  EXPECT_EQ(sizes, (std::vector<std::size_t>{kChunk, 1}));
}

TEST_F(BufferTest, StaysRightUnderAMixOfOperations) {
  Buffer first(pool_);
  Buffer second(pool_);
  std::string first_text;
  std::string second_text;
  std::uint32_t random = 1;
  const auto next = [&random](std::size_t bound) {
    random = random * 1664525u + 1013904223u;
    return static_cast<std::size_t>(random >> 8) % bound;
  };
  for (int round = 0; round < 3000; ++round) {
    switch (next(5)) {
      case 0: {
        const std::string text = pattern(next(kChunk * 2), next(1000));
        first.append(text);
        first_text += text;
        break;
      }
      case 1: {
        const std::size_t count = next(first_text.size() + 1);
        second.take(first, count);
        second_text += first_text.substr(0, count);
        first_text.erase(0, count);
        break;
      }
      case 2: {
        const std::size_t count = next(second_text.size() + 1);
        second.drop(count);
        second_text.erase(0, count);
        break;
      }
      case 3: {
        const std::span<char> room = first.writable(next(kChunk) + 1);
        const std::size_t count = next(room.size() + 1);
        std::ranges::fill(room.first(count), 'w');
        first.commit(count);
        first_text.append(count, 'w');
        break;
      }
      default:
        if (second_text.size() > 4 * kChunk) break;
        second.append("tail");
        second_text += "tail";
    }
    ASSERT_EQ(first.size(), first_text.size());
    ASSERT_EQ(second.size(), second_text.size());
    if (round % 100 != 0) continue;
    ASSERT_EQ(first.to_string(), first_text);
    ASSERT_EQ(second.to_string(), second_text);
  }
}

TEST(ChunkPool, ReusesChunks) {
  ChunkPool pool;
  Chunk* chunk = pool.take_chunk();
  pool.release(chunk);
  EXPECT_EQ(pool.take_chunk(), chunk);
  EXPECT_EQ(chunk->references, 1u);
  EXPECT_EQ(chunk->used, 0u);
  pool.give_back(chunk);
  EXPECT_EQ(pool.chunks_in_use(), 0u);
  EXPECT_EQ(pool.idle_chunks(), 1u);
}

TEST(ChunkPool, KeepsWhatALoadNeedsAndLetsItGoAfterwards) {
  ChunkPool pool;
  const auto load = [&pool](std::size_t count) {
    std::vector<Chunk*> chunks;
    for (std::size_t i = 0; i < count; ++i) chunks.push_back(pool.take_chunk());
    for (Chunk* taken : chunks) pool.release(taken);
  };
  constexpr std::size_t kMany = 8 * ChunkPool::kKeptChunksMin;
  load(kMany);
  pool.trim();
  EXPECT_EQ(pool.idle_chunks(), kMany);
  load(kMany);
  EXPECT_EQ(pool.idle_chunks(), kMany);  // none is new
  pool.trim();
  EXPECT_EQ(pool.idle_chunks(), kMany);
  load(1);
  for (const std::size_t left : {kMany / 2, kMany / 4, kMany / 8, kMany / 8}) {
    pool.trim();
    EXPECT_EQ(pool.idle_chunks(), left);
  }
}

TEST(ChunkPool, FreesABoundedNumberAtOnce) {
  ChunkPool pool;
  std::vector<Chunk*> chunks;
  for (std::size_t i = 0; i < 4 * ChunkPool::kTrimMax; ++i) chunks.push_back(pool.take_chunk());
  for (Chunk* taken : chunks) pool.release(taken);
  EXPECT_EQ(pool.trim(), 0u);
  EXPECT_EQ(pool.trim(), ChunkPool::kTrimMax * sizeof(Chunk));
  EXPECT_EQ(pool.idle_chunks(), 3 * ChunkPool::kTrimMax);
}

TEST(ChunkPool, KeepsAChunkWhileItIsReferredTo) {
  ChunkPool pool;
  Chunk* chunk = pool.take_chunk();
  ++chunk->references;
  pool.release(chunk);
  EXPECT_EQ(pool.chunks_in_use(), 1u);
  pool.release(chunk);
  EXPECT_EQ(pool.chunks_in_use(), 0u);
}

TEST(Buffer, KeepsFewChunksForBytesThatArriveOneByOne) {
  ChunkPool pool;
  Buffer collected(pool);
  std::string expected;
  for (int i = 0; i < 40'000; ++i) {
    Buffer arrived(pool);
    const char byte = static_cast<char>('a' + i % 26);
    arrived.append({&byte, 1});
    expected += byte;
    collected.take_all(arrived);
    EXPECT_TRUE(arrived.empty());
  }
  EXPECT_EQ(collected.to_string(), expected);
  EXPECT_LE(pool.chunks_in_use(), 4u);
}

// As chunked coding and frames of HTTP/2 bring them: what stands behind a byte in the same read keeps its run from
// growing.
TEST(Buffer, KeepsFewChunksForBytesThatArriveWithFramingBehindEach) {
  for (const bool shares : {false, true}) {
    ChunkPool pool;
    Buffer collected(pool);
    std::string expected;
    for (int i = 0; i < 40'000; ++i) {
      Buffer arrived(pool);
      const char byte = static_cast<char>('a' + i % 26);
      arrived.append({&byte, 1});
      arrived.append("\r\n");
      expected += byte;
      shares ? collected.share_part(arrived, 0, 1) : collected.take(arrived, 1);
    }
    EXPECT_EQ(collected.to_string(), expected);
    EXPECT_LE(pool.chunks_in_use(), 6u);
  }
}

TEST(Buffer, MovesRunsLongerThanTheBoundAndCopiesThoseWithinIt) {
  for (const std::size_t length : {Buffer::kCopyBytesMax, Buffer::kCopyBytesMax + 1}) {
    ChunkPool pool;
    Buffer collected(pool);
    collected.append("head");
    Buffer arrived(pool);
    arrived.append(std::string(length, 'x'));
    const void* where = arrived.front().data();
    collected.take_all(arrived);
    collected.drop(4);
    const bool is_same = collected.front().data() == where;
    EXPECT_EQ(is_same, length > Buffer::kCopyBytesMax);
    EXPECT_EQ(collected.size(), length);
  }
}

}  // namespace
}  // namespace viaduct::base

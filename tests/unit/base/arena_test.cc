// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace viaduct::base {
namespace {

class ArenaTest : public testing::Test {
 protected:
  ~ArenaTest() override {
    arena_.clear();
    EXPECT_EQ(chunks_.chunks_in_use(), 0u);
  }

  ChunkPool chunks_;
  Arena arena_{chunks_};
};

std::uintptr_t number_of(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

TEST_F(ArenaTest, AlignsWhatItGives) {
  for (const std::size_t alignment : {1u, 2u, 4u, 8u, 16u, 64u}) {
    arena_.allocate(1, 1);
    EXPECT_EQ(number_of(arena_.allocate(3, alignment)) % alignment, 0u);
    EXPECT_EQ(number_of(arena_.allocate(Chunk::kBytes, alignment)) % alignment, 0u);
    EXPECT_EQ(number_of(arena_.allocate(Chunk::kBytes - alignment, alignment)) % alignment, 0u);
  }
}

TEST_F(ArenaTest, UsesItsOwnBytesFirst) {
  arena_.allocate(Arena::kInlineBytes, 1);
  EXPECT_EQ(chunks_.chunks_in_use(), 0u);
  arena_.allocate(1, 1);
  EXPECT_EQ(chunks_.chunks_in_use(), 1u);
  arena_.allocate(Chunk::kBytes - 1, 1);
  EXPECT_EQ(chunks_.chunks_in_use(), 1u);
  arena_.allocate(1, 1);
  EXPECT_EQ(chunks_.chunks_in_use(), 2u);
}

TEST_F(ArenaTest, GivesABlockOfItsOwnToWhatFitsNoChunk) {
  for (const std::size_t size : {Chunk::kBytes - 8, Chunk::kBytes - 7, Chunk::kBytes, Chunk::kBytes + 1, 1ul << 20}) {
    arena_.clear();
    char* bytes = static_cast<char*>(arena_.allocate(size, 8));
    std::memset(bytes, 'x', size);
    EXPECT_EQ(chunks_.chunks_in_use(), size + 8 > Chunk::kBytes ? 0u : 1u) << size;
  }
}

TEST_F(ArenaTest, KeepsEarlierBytesWhenItGrows) {
  const std::string_view first = arena_.copy("first");
  for (int i = 0; i < 1000; ++i) arena_.copy(std::string(100, 'x'));
  EXPECT_EQ(first, "first");
}

TEST_F(ArenaTest, CopiesTexts) {
  std::string text = "text";
  const std::string_view copy = arena_.copy(text);
  text = "gone";
  EXPECT_EQ(copy, "text");
  EXPECT_EQ(arena_.copy(""), "");
  const std::string huge(1 << 20, '\xff');
  EXPECT_EQ(arena_.copy(huge), huge);
}

TEST_F(ArenaTest, AppendsInPlaceToTheLastText) {
  const std::string_view head = arena_.copy("head");
  const std::string_view both = arena_.append(head, " tail");
  EXPECT_EQ(both, "head tail");
  EXPECT_EQ(both.data(), head.data());
  EXPECT_EQ(arena_.append(both, "").data(), both.data());
  EXPECT_EQ(arena_.append("", "alone"), "alone");
  EXPECT_EQ(arena_.append("", ""), "");
}

TEST_F(ArenaTest, AppendsByACopyWhereSomethingFollows) {
  const std::string_view head = arena_.copy("head");
  const std::string_view other = arena_.copy("other");
  const std::string_view both = arena_.append(head, " tail");
  EXPECT_EQ(both, "head tail");
  EXPECT_EQ(head, "head");
  EXPECT_EQ(other, "other");
  EXPECT_NE(both.data(), head.data());
}

TEST_F(ArenaTest, AppendsAcrossTheEndOfABlock) {
  for (const std::size_t left : {4u, 5u, 6u}) {
    arena_.clear();
    arena_.allocate(Arena::kInlineBytes - 4 - left, 1);
    const std::string_view head = arena_.copy("head");
    const std::string_view both = arena_.append(head, " tail");
    EXPECT_EQ(both, "head tail");
    EXPECT_EQ(both.data() == head.data(), left >= 5) << left;
  }
}

TEST_F(ArenaTest, AppendsPieceByPieceToAnySize) {
  std::string_view text;
  std::string expected;
  int moves = 0;
  for (int i = 0; i < 100000; ++i) {
    const char* before = text.data();
    text = arena_.append(text, "0123456789");
    expected += "0123456789";
    if (text.data() != before) ++moves;
  }
  EXPECT_EQ(text, expected);
  EXPECT_LT(moves, 12);  // 1000 kB: two small blocks, then each twice the one before
}

TEST_F(ArenaTest, MakesObjects) {
  struct Point {
    int x;
    int y;
  };
  const Point* point = arena_.make<Point>(3, 4);
  EXPECT_EQ(point->x + point->y, 7);
  int* numbers = arena_.make_array<int>(100);
  for (int i = 0; i < 100; ++i) numbers[i] = i;
  EXPECT_EQ(numbers[99], 99);
  EXPECT_EQ(number_of(numbers) % alignof(int), 0u);
}

TEST_F(ArenaTest, RunsDestructorsOfOwnedObjects) {
  struct Counter {
    explicit Counter(int& ended) : ended_(&ended) {}
    ~Counter() { ++*ended_; }
    Counter(const Counter&) = delete;
    Counter& operator=(const Counter&) = delete;
    int* ended_;
  };
  int ended = 0;
  {
    const ArenaPtr<Counter> owner = arena_.make_owned<Counter>(ended);
    EXPECT_EQ(ended, 0);
  }
  EXPECT_EQ(ended, 1);
}

TEST_F(ArenaTest, StartsAnewWhenCleared) {
  const void* first = arena_.allocate(1, 1);
  for (int i = 0; i < 10; ++i) arena_.allocate(Chunk::kBytes, 1);
  arena_.clear();
  EXPECT_EQ(chunks_.chunks_in_use(), 0u);
  EXPECT_EQ(arena_.allocate(1, 1), first);
}

}  // namespace
}  // namespace viaduct::base

// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_library.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace viaduct::codec {
namespace {

constexpr std::size_t kLargest = H2Memory::kSmallestBytes << (H2Memory::kClasses - 1);

TEST(H2Memory, UsesABlockAgainForEverySizeOfItsClass) {
  const std::vector<std::pair<std::size_t, std::size_t>> rows = {
      {0, 64}, {1, 64}, {65, 128}, {128, 65}, {129, 256}, {kLargest / 2 + 1, kLargest}, {kLargest, kLargest - 1}};
  for (const auto& [first, second] : rows) {
    H2Memory memory;
    void* block = memory.take(first);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t), 0u);
    memory.give_back(block);
    EXPECT_EQ(memory.take(second), block) << first << " " << second;
    EXPECT_EQ(memory.system_calls(), 1u);
    memory.give_back(block);
  }
}

TEST(H2Memory, TakesAnotherBlockForAnotherClass) {
  for (const std::size_t size : {std::size_t{64}, std::size_t{128}, kLargest / 2}) {
    H2Memory memory;
    void* block = memory.take(size);
    memory.give_back(block);
    void* larger = memory.take(size + 1);
    EXPECT_NE(larger, block) << size;
    EXPECT_EQ(memory.system_calls(), 2u) << size;
    memory.give_back(larger);
  }
}

TEST(H2Memory, AsksTheSystemForWhatIsLarge) {
  H2Memory memory;
  for (int i = 0; i < 3; ++i) {
    void* block = memory.take(kLargest + 1);
    std::memset(block, 1, kLargest + 1);
    memory.give_back(block);
  }
  EXPECT_EQ(memory.system_calls(), 3u);
}

TEST(H2Memory, KeepsABoundedNumberOfBlocks) {
  H2Memory memory;
  constexpr std::size_t kKept = H2Memory::kIdleBytesMax / kLargest;
  std::vector<void*> blocks(kKept + 5);
  for (void*& block : blocks) block = memory.take(kLargest);
  for (void* block : blocks) memory.give_back(block);
  EXPECT_EQ(memory.system_calls(), kKept + 5);
  for (void*& block : blocks) block = memory.take(kLargest);
  EXPECT_EQ(memory.system_calls(), kKept + 10) << "five went back to the system";
  for (void* block : blocks) memory.give_back(block);
}

TEST(H2Memory, GivesBackNull) {
  H2Memory memory;
  memory.give_back(nullptr);
  EXPECT_EQ(memory.system_calls(), 0u);
}

TEST(H2Memory, KeepsTheBytesOfWhatGrows) {
  H2Memory memory;
  auto* block = static_cast<char*>(memory.resize(nullptr, 10));
  std::memset(block, 'x', 64);
  EXPECT_EQ(memory.resize(block, 64), block) << "there is room";
  EXPECT_EQ(memory.resize(block, 5), block);
  std::size_t present = 64;
  for (const std::size_t size : {std::size_t{65}, std::size_t{1000}, kLargest, kLargest + 1, 3 * kLargest}) {
    block = static_cast<char*>(memory.resize(block, size));
    EXPECT_TRUE(std::all_of(block, block + present, [](char byte) { return byte == 'x'; })) << size;
    std::memset(block, 'x', size);
    present = size;
  }
  memory.give_back(block);
}

TEST(H2Memory, ServesNghttp2) {
  H2Memory memory;
  nghttp2_mem* functions = memory.functions();
  auto* block = static_cast<unsigned char*>(functions->malloc(100, functions->mem_user_data));
  std::memset(block, 0xff, 100);
  functions->free(block, functions->mem_user_data);
  auto* zeroed = static_cast<unsigned char*>(functions->calloc(10, 10, functions->mem_user_data));
  EXPECT_EQ(zeroed, block);
  EXPECT_TRUE(std::all_of(zeroed, zeroed + 100, [](unsigned char byte) { return byte == 0; }));
  zeroed[99] = 7;
  auto* larger = static_cast<unsigned char*>(functions->realloc(zeroed, 1000, functions->mem_user_data));
  EXPECT_EQ(larger[99], 7);
  functions->free(larger, functions->mem_user_data);
  functions->free(nullptr, functions->mem_user_data);
}

TEST(H2Memory, StaysRightUnderAMixOfOperations) {
  H2Memory memory;
  std::minstd_rand random(1);
  struct Held {
    unsigned char* bytes;
    std::size_t size;
    unsigned char mark;
  };
  std::vector<Held> held;
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t size = random() % 2000 + (random() % 50 == 0 ? kLargest : 0);
    const auto mark = static_cast<unsigned char>(step);
    if (held.size() < 20) {
      held.push_back({static_cast<unsigned char*>(memory.take(size)), size, mark});
    } else {
      Held& one = held[random() % held.size()];
      const std::size_t kept = std::min(one.size, size);
      if (random() % 2 == 0) {
        one.bytes = static_cast<unsigned char*>(memory.resize(one.bytes, size));
        ASSERT_TRUE(std::all_of(one.bytes, one.bytes + kept, [&](unsigned char byte) { return byte == one.mark; }));
      } else {
        memory.give_back(one.bytes);
        one.bytes = static_cast<unsigned char*>(memory.take(size));
      }
      one.size = size;
      one.mark = mark;
    }
    Held& changed = *std::ranges::find_if(held, [&](const Held& one) { return one.mark == mark && one.size == size; });
    std::memset(changed.bytes, mark, size);
  }
  for (const Held& one : held) memory.give_back(one.bytes);
}

TEST(H2Library, HasOptionsAndFunctionsForItsSessions) {
  H2Library library;
  EXPECT_NE(library.callbacks(), nullptr);
  EXPECT_NE(library.option(), nullptr);
  EXPECT_EQ(library.memory().system_calls(), 0u);
}

}  // namespace
}  // namespace viaduct::codec

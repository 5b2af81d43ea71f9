// SPDX-License-Identifier: Apache-2.0
#include "tls/record_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace viaduct::tls {
namespace {

constexpr std::size_t kRecord = 16'709;

// The thread that a test is about: what it keeps goes with it.
void in_thread(void (*test)()) {
  std::thread(test).join();
}

TEST(RecordMemory, KeepsWhatIsAsLargeAsARecord) {
  in_thread([] {
    void* first = take_record_memory(kRecord);
    std::memset(first, 1, kRecord);
    return_record_memory(first);
    void* second = take_record_memory(kRecord);
    EXPECT_EQ(second, first);
    void* third = take_record_memory(kRecord);
    EXPECT_NE(third, first) << "each is given once";
    return_record_memory(second);
    return_record_memory(third);
  });
}

TEST(RecordMemory, GivesNoBufferThatIsTooSmall) {
  in_thread([] {
    void* small = take_record_memory(kRecordBytesMin);
    void* large = take_record_memory(kRecord);
    return_record_memory(large);
    return_record_memory(small);
    void* again = take_record_memory(kRecord);
    EXPECT_EQ(again, large);
    std::memset(again, 1, kRecord);
    return_record_memory(again);
  });
}

TEST(RecordMemory, KeepsAFewAtMost) {
  in_thread([] {
    std::array<void*, kRecordBuffersKept + 3> taken{};
    for (void*& memory : taken) memory = take_record_memory(kRecord);
    for (void* memory : taken) return_record_memory(memory);
    // The rest went back to the C library; who asks it now gets that.
    std::vector<std::unique_ptr<char[]>> others(64);
    for (auto& memory : others) memory = std::make_unique<char[]>(kRecord);
    std::array<void*, taken.size()> again{};
    for (void*& memory : again) {
      memory = take_record_memory(kRecord);
      std::memset(memory, 1, kRecord);
    }
    const auto kept = std::ranges::count_if(
        again, [&taken](void* memory) { return std::ranges::find(taken, memory) != taken.end(); });
    EXPECT_EQ(kept, kRecordBuffersKept);
    for (void* memory : again) return_record_memory(memory);
  });
}

TEST(RecordMemory, OtherSizesAreTheLibrarys) {
  void* small = take_record_memory(100);
  small = resize_record_memory(small, 40'000);
  std::memset(small, 1, 40'000);
  return_record_memory(small);
  EXPECT_EQ(take_record_memory(0), nullptr);
  EXPECT_EQ(resize_record_memory(nullptr, 0), nullptr);
  EXPECT_EQ(resize_record_memory(resize_record_memory(nullptr, 8), 0), nullptr);
  return_record_memory(nullptr);
}

}  // namespace
}  // namespace viaduct::tls

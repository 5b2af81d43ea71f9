// SPDX-License-Identifier: Apache-2.0
#include "os/usage.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

#include "os/fd.h"

namespace viaduct::os {
namespace {

TEST(Usage, TellsWhatTheKernelCounts) {
  const Usage before = read_usage();
  EXPECT_GT(before.resident_bytes, 1'000'000U);
  EXPECT_GE(before.descriptors, 3U);
  EXPECT_GE(before.descriptors_max, before.descriptors);
  std::vector<Fd> more;
  more.push_back(Fd(::dup(STDERR_FILENO)));
  for (int i = 0; i < 4; ++i) more.push_back(more.front().duplicate());
  const Usage after = read_usage();
  EXPECT_EQ(after.descriptors, before.descriptors + 5);
  EXPECT_GE(after.cpu, before.cpu);
}

}  // namespace
}  // namespace viaduct::os

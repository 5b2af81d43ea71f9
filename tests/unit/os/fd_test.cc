// SPDX-License-Identifier: Apache-2.0
#include "os/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <utility>

namespace viaduct::os {
namespace {

int open_null() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool is_open(int descriptor) {
  return ::fcntl(descriptor, F_GETFD) != -1;
}

TEST(Fd, ClosesWhenItGoes) {
  const int descriptor = open_null();
  {
    const Fd fd(descriptor);
    EXPECT_TRUE(fd);
    EXPECT_EQ(fd.get(), descriptor);
    EXPECT_TRUE(is_open(descriptor));
  }
  EXPECT_FALSE(is_open(descriptor));
}

TEST(Fd, IsEmptyByDefaultAndForMinusOne) {
  EXPECT_FALSE(Fd());
  EXPECT_FALSE(Fd(-1));
  Fd fd;
  fd.reset();
  EXPECT_EQ(fd.get(), -1);
}

TEST(Fd, MovesItsDescriptor) {
  const int descriptor = open_null();
  Fd first(descriptor);
  Fd second(std::move(first));
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what is left is what is tested
  EXPECT_EQ(second.get(), descriptor);
  const int other = open_null();
  Fd third(other);
  third = std::move(second);
  EXPECT_FALSE(is_open(other));
  EXPECT_EQ(third.get(), descriptor);
  EXPECT_TRUE(is_open(descriptor));
}

TEST(Fd, KeepsItsDescriptorWhenMovedToItself) {
  Fd fd(open_null());
  Fd& same = fd;
  fd = std::move(same);
  EXPECT_TRUE(is_open(fd.get()));
}

TEST(Fd, ReleasesWithoutClosing) {
  Fd fd(open_null());
  const int descriptor = fd.release();
  EXPECT_FALSE(fd);
  EXPECT_TRUE(is_open(descriptor));
  ::close(descriptor);
}

TEST(Fd, DuplicatesForThisProcessAlone) {
  Fd fd(open_null());
  const Fd second = fd.duplicate();
  ASSERT_TRUE(second);
  EXPECT_NE(second.get(), fd.get());
  EXPECT_NE(::fcntl(second.get(), F_GETFD) & FD_CLOEXEC, 0);
  fd.reset();
  EXPECT_TRUE(is_open(second.get()));
  EXPECT_FALSE(Fd().duplicate());
}

}  // namespace
}  // namespace viaduct::os

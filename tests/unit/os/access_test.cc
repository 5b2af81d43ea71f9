// SPDX-License-Identifier: Apache-2.0
#include "os/access.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "support/temporary_directory.h"

namespace viaduct::os {
namespace {

class AccessTest : public testing::Test {
 protected:
  support::TemporaryDirectory directory_;
};

TEST_F(AccessTest, SaysWhatMayBeDone) {
  const std::string file = directory_.write("file", "x");
  EXPECT_EQ(try_access(file, Access::kRead), 0);
  EXPECT_EQ(try_access(file, Access::kWrite), 0);
  EXPECT_EQ(try_access(directory_.path(), Access::kReadDirectory), 0);
  EXPECT_EQ(try_access(directory_.path(), Access::kWriteDirectory), 0);
  EXPECT_EQ(try_access(directory_ / "missing", Access::kRead), ENOENT);
  EXPECT_EQ(try_access(file + "/below", Access::kWrite), ENOTDIR);
}

TEST_F(AccessTest, JudgesByTheRightsOfTheUserThatIsActed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can act as others";
  ::chmod(directory_.path().c_str(), 0755);
  const std::string file = directory_.write("file", "x");
  ::chmod(file.c_str(), 0600);
  {
    const auto acting = ActingUser::become("nobody");
    ASSERT_TRUE(acting.has_value()) << acting.error().message;
    EXPECT_EQ(try_access(file, Access::kRead), EACCES);
    EXPECT_EQ(try_access(directory_.path(), Access::kReadDirectory), 0);
    EXPECT_EQ(try_access(directory_.path(), Access::kWriteDirectory), EACCES);
  }
  EXPECT_EQ(::geteuid(), 0U);
  EXPECT_EQ(::getegid(), ::getgid());
  EXPECT_EQ(try_access(file, Access::kRead), 0);
}

TEST_F(AccessTest, IsOurselvesWithoutAName) {
  const auto acting = ActingUser::become("");
  ASSERT_TRUE(acting.has_value());
  EXPECT_EQ(::geteuid(), ::getuid());
}

TEST_F(AccessTest, NamesAUserThatDoesNotExist) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can act as others";
  const auto acting = ActingUser::become("no-such-user");
  ASSERT_FALSE(acting.has_value());
  EXPECT_EQ(acting.error().message, "there is no user no-such-user");
}

}  // namespace
}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "support/temporary_directory.h"

namespace viaduct::cli {
namespace {

// TMPDIR while a test runs.
class TemporaryPlace {
 public:
  explicit TemporaryPlace(const std::string& path) {
    if (const char* before = std::getenv("TMPDIR"); before != nullptr) before_ = before;
    ::setenv("TMPDIR", path.c_str(), 1);
  }
  ~TemporaryPlace() { before_ ? ::setenv("TMPDIR", before_->c_str(), 1) : ::unsetenv("TMPDIR"); }

 private:
  std::optional<std::string> before_;
};

TEST(DemoDirectory, IsNewAndForItsOwnerAlone) {
  const auto first = DemoDirectory::make();
  const auto second = DemoDirectory::make();
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_NE((*first)->path(), (*second)->path());
  EXPECT_TRUE((*first)->path().starts_with('/'));
  EXPECT_FALSE((*first)->path().ends_with('/'));
  struct stat status{};
  ASSERT_EQ(::stat((*first)->path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST(DemoDirectory, HoldsFilesAndGoesWithThem) {
  auto directory = DemoDirectory::make();
  ASSERT_TRUE(directory.has_value());
  const std::string path = (*directory)->path();
  EXPECT_TRUE((*directory)->write("a/b/c.txt", std::string_view("x\0y", 3)).has_value());
  EXPECT_TRUE((*directory)->write("d.txt", "old").has_value());
  EXPECT_TRUE((*directory)->write("d.txt", "").has_value());
  EXPECT_EQ(support::file_bytes(path + "/a/b/c.txt"), std::string("x\0y", 3));
  EXPECT_EQ(support::file_bytes(path + "/d.txt"), "");
  directory->reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(DemoDirectory, NamesAFileThatCannotBeWritten) {
  const auto directory = DemoDirectory::make();
  ASSERT_TRUE(directory.has_value());
  ASSERT_TRUE((*directory)->write("file", "").has_value());
  const auto written = (*directory)->write("file/below", "x");
  ASSERT_FALSE(written.has_value());
  EXPECT_THAT(written.error().message, testing::HasSubstr("file/below"));
}

TEST(DemoDirectory, LiesWhereTemporaryFilesBelong) {
  const support::TemporaryDirectory parent;
  const TemporaryPlace place(parent.path());
  const auto directory = DemoDirectory::make();
  ASSERT_TRUE(directory.has_value());
  EXPECT_TRUE((*directory)->path().starts_with(parent.path() + "/viaduct-demo-"));
}

TEST(DemoDirectory, SaysThatThereIsNoPlace) {
  const support::TemporaryDirectory parent;
  const TemporaryPlace place(parent / "missing");
  const auto directory = DemoDirectory::make();
  ASSERT_FALSE(directory.has_value());
  EXPECT_THAT(directory.error().message, testing::HasSubstr("TMPDIR"));
}

}  // namespace
}  // namespace viaduct::cli

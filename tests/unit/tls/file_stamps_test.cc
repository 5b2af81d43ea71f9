// SPDX-License-Identifier: Apache-2.0
#include "tls/file_stamps.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "support/temporary_directory.h"

namespace viaduct::tls {
namespace {

class FileStampsTest : public testing::Test {
 protected:
  FileStamps stamps_of(const std::string& path) const {
    FileStamps stamps;
    stamps.add(path);
    return stamps;
  }

  support::TemporaryDirectory directory_;
};

TEST_F(FileStampsTest, SeesNothingWhereNothingHappened) {
  EXPECT_TRUE(FileStamps().empty());
  EXPECT_FALSE(FileStamps().changed());
  const FileStamps stamps = stamps_of(directory_.write("cert.pem", "one"));
  EXPECT_FALSE(stamps.empty());
  EXPECT_FALSE(stamps.changed());
  EXPECT_FALSE(stamps_of(directory_ / "missing").changed());
}

TEST_F(FileStampsTest, SeesARewrittenFile) {
  const std::string path = directory_.write("cert.pem", "one");
  const FileStamps stamps = stamps_of(path);
  directory_.write("cert.pem", "longer");
  EXPECT_TRUE(stamps.changed());
}

TEST_F(FileStampsTest, SeesAFileOfTheSameSizeByItsTime) {
  const std::string path = directory_.write("cert.pem", "one");
  const FileStamps stamps = stamps_of(path);
  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::nanoseconds(1));
  EXPECT_TRUE(stamps.changed());
}

// A key that root renewed, and gave to our user only afterwards.
TEST_F(FileStampsTest, SeesThatRightsHaveChanged) {
  const std::string path = directory_.write("site.key", "one");
  const FileStamps stamps = stamps_of(path);
  ASSERT_EQ(::chmod(path.c_str(), 0400), 0);
  EXPECT_TRUE(stamps.changed());
}

TEST_F(FileStampsTest, SeesAReplacedFileByItsInode) {
  const std::string path = directory_.write("cert.pem", "one");
  const std::string renewed = directory_.write("cert.pem.tmp", "two");
  std::filesystem::last_write_time(renewed, std::filesystem::last_write_time(path));
  const FileStamps stamps = stamps_of(path);
  std::filesystem::rename(renewed, path);
  EXPECT_TRUE(stamps.changed());
}

TEST_F(FileStampsTest, SeesALinkThatPointsElsewhere) {
  // As certbot does: live/fullchain.pem leads to archive/fullchain1.pem, then to fullchain2.pem.
  const std::string first = directory_.write("archive/1.pem", "one");
  const std::string second = directory_.write("archive/2.pem", "two");
  const std::string link = directory_ / "live.pem";
  std::filesystem::create_symlink(first, link);
  const FileStamps stamps = stamps_of(link);
  std::filesystem::remove(link);
  std::filesystem::create_symlink(second, link);
  EXPECT_TRUE(stamps.changed());
}

TEST_F(FileStampsTest, TakeOverWhatOthersNoted) {
  FileStamps stamps = stamps_of(directory_.write("one.pem", "one"));
  stamps.add(stamps_of(directory_.write("two.pem", "two")));
  EXPECT_FALSE(stamps.changed());
  directory_.write("two.pem", "longer");
  EXPECT_TRUE(stamps.changed());
}

TEST_F(FileStampsTest, SeesFilesThatComeAndGo) {
  const std::string path = directory_ / "cert.pem";
  const FileStamps missing = stamps_of(path);
  directory_.write("cert.pem", "");
  EXPECT_TRUE(missing.changed());
  const FileStamps present = stamps_of(path);
  std::filesystem::remove(path);
  EXPECT_TRUE(present.changed());
}

}  // namespace
}  // namespace viaduct::tls

// SPDX-License-Identifier: Apache-2.0
#include "config/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/ip.h"
#include "os/socket.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

TEST(ReadTextFile, ReadsUpToItsLimit) {
  const support::TemporaryDirectory directory;
  const std::string path = directory.write("file", std::string("a\0b\n", 4));
  EXPECT_EQ(read_text_file(path, 4), std::string("a\0b\n", 4));
  EXPECT_EQ(read_text_file(path, 3).error(), path + " has more than 3 bytes; make it smaller");
  EXPECT_EQ(read_text_file(directory.write("empty", ""), 0), "");
}

TEST(ReadTextFile, SaysWhyNot) {
  const support::TemporaryDirectory directory;
  EXPECT_EQ(read_text_file(directory / "missing", 9).error(),
            "cannot read " + directory / "missing" + ": No such file or directory; check the path");
  EXPECT_EQ(read_text_file(directory.path(), 9).error(), directory.path() + " is a directory; name a file");
}

TEST(ExplainUnreadableFile, IsSilentForAFile) {
  const support::TemporaryDirectory directory;
  EXPECT_EQ(explain_unreadable_file(directory.write("file", "x")), "");
  EXPECT_NE(explain_unreadable_file(directory / "missing"), "");
  EXPECT_NE(explain_unreadable_file(directory.path()), "");
  EXPECT_NE(explain_unreadable_file(directory / "file/below"), "");
}

// Reading it would wait for a writer without end.
TEST(ExplainUnreadableFile, RefusesWhatIsNoRegularFile) {
  const support::TemporaryDirectory directory;
  ASSERT_EQ(::mkfifo((directory / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(explain_unreadable_file(directory / "pipe"),
            directory / "pipe" + " is a pipe, a socket or a device; name a file");
  EXPECT_FALSE(read_text_file(directory / "pipe", 9).has_value());
  EXPECT_EQ(explain_unreadable_file(directory / "pipe", Readable::kFilesAndPipes), "");
  EXPECT_EQ(read_text_file("/dev/null", 9), "");
}

TEST(ExplainUnusableDirectory, IsSilentForADirectoryAndForNothing) {
  const support::TemporaryDirectory directory;
  EXPECT_EQ(explain_unusable_directory(directory.path()), "");
  EXPECT_EQ(explain_unusable_directory(directory / "new"), "");
  const std::string file = directory.write("file", "x");
  EXPECT_EQ(explain_unusable_directory(file), file + " is no directory; name another path");
}

TEST(ExplainUnreadableDirectory, IsSilentForADirectory) {
  const support::TemporaryDirectory directory;
  EXPECT_EQ(explain_unreadable_directory(directory.path()), "");
  EXPECT_NE(explain_unreadable_directory(directory / "missing"), "");
  const std::string file = directory.write("file", "x");
  EXPECT_EQ(explain_unreadable_directory(file), file + " is no directory; name one");
}

TEST(ExplainUnwritableFile, WantsTheDirectory) {
  const support::TemporaryDirectory directory;
  EXPECT_EQ(explain_unwritable_file(directory / "new.log"), "");
  EXPECT_EQ(explain_unwritable_file(directory.write("old.log", "x")), "");
  EXPECT_EQ(
      explain_unwritable_file(directory / "missing/new.log"),
      "cannot make the file " + directory / "missing/new.log" + ": No such file or directory; create its directory");
  EXPECT_EQ(explain_unwritable_file(directory.path()), directory.path() + " is a directory; name a file");
  EXPECT_NE(explain_unwritable_file(directory / "old.log/below/new.log"), "");
  EXPECT_NE(explain_unwritable_file(directory / "old.log/new.log"), "");
}

TEST(ExplainUnusableSocket, WantsNothingElseInItsPlace) {
  const support::TemporaryDirectory directory;
  EXPECT_EQ(explain_unusable_socket(directory / "new.sock"), "");
  const std::string file = directory.write("kept", "x");
  EXPECT_EQ(explain_unusable_socket(file),
            file + " is there already and is no socket; name another path, or remove the file");
  EXPECT_EQ(explain_unusable_socket(directory.path()), directory.path() + " is a directory; name a file");
  EXPECT_NE(explain_unusable_socket(directory / "missing/new.sock"), "");
  const auto listener = os::listen_on(base::SocketAddress::unix_path(directory / "old.sock"), {});
  ASSERT_TRUE(listener.has_value());
  EXPECT_EQ(explain_unusable_socket(directory / "old.sock"), "");
  EXPECT_EQ(explain_unusable_log(directory / "old.sock"), directory / "old.sock" + " is a socket; name a file");
  EXPECT_EQ(explain_unusable_log(file), "");
  EXPECT_EQ(explain_unusable_log(directory / "new.log"), "");
  EXPECT_NE(explain_unusable_log(directory / "missing/new.log"), "");
  EXPECT_EQ(explain_unusable_log("/dev/null"), "");
}

TEST(Files, HaveOneSpelling) {
  const support::TemporaryDirectory directory;
  const std::string file = directory.write("file", "x");
  directory.write("sub/other", "x");
  std::filesystem::create_directory_symlink(directory / "sub", directory / "link");
  const std::string root = std::filesystem::canonical(directory.path()).string();
  EXPECT_EQ(real_path(file), root + "/file");
  EXPECT_EQ(real_path(directory / "sub/..//./file"), root + "/file");
  EXPECT_EQ(real_path(directory / "link/other"), root + "/sub/other");
  EXPECT_EQ(real_path(directory / "link/none"), root + "/sub/none");
  EXPECT_EQ(real_path("/nonexistent/a/../b"), "/nonexistent/b");
}

}  // namespace
}  // namespace viaduct::config

// SPDX-License-Identifier: Apache-2.0
#include "os/open_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "support/temporary_directory.h"

namespace viaduct::os {
namespace {

void write(const std::string& path, std::string_view text) {
  std::ofstream(path) << text;
}

std::string read(const OpenFiles::Handle& file) {
  std::string text(100, '\0');
  text.resize(read_at(file.get(), text, 0).value());
  return text;
}

class OpenFilesTest : public testing::Test {
 protected:
  OpenedFile open() { return std::move(*RootDirectory::open(directory_.path())->open_file("file")); }

  support::TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/file";
  OpenFiles files_;
};

TEST_F(OpenFilesTest, ShareOneDescriptorUntilTheLastUserGoes) {
  write(path_, "content");
  OpenFiles::Handle first = files_.share(open());
  OpenFiles::Handle second = files_.share(open());
  EXPECT_EQ(first.get(), second.get());
  EXPECT_EQ(files_.size(), 1u);
  first.reset();
  EXPECT_FALSE(first);
  EXPECT_EQ(read(second), "content");
  const OpenFiles::Handle third = std::move(second);
  EXPECT_EQ(read(third), "content");
  EXPECT_EQ(files_.size(), 1u);
}

TEST_F(OpenFilesTest, LetGoOfWhatNobodyUses) {
  write(path_, "content");
  {
    const OpenFiles::Handle only = files_.share(open());
  }
  EXPECT_EQ(files_.size(), 0u);
}

TEST_F(OpenFilesTest, TellAFileFromTheOneThatHasTakenItsPlace) {
  write(path_, "old");
  const OpenFiles::Handle old = files_.share(open());
  write(path_ + ".new", "new");
  std::filesystem::rename(path_ + ".new", path_);
  const OpenFiles::Handle fresh = files_.share(open());
  EXPECT_EQ(read(old), "old");
  EXPECT_EQ(read(fresh), "new");
  EXPECT_EQ(files_.size(), 2u);
}

TEST_F(OpenFilesTest, TellAFileFromWhatItBecomes) {
  write(path_, "old");
  const OpenFiles::Handle old = files_.share(open());
  std::ofstream(path_, std::ios::app) << " and more";
  const OpenFiles::Handle grown = files_.share(open());
  EXPECT_NE(old.get(), grown.get());
  EXPECT_EQ(read(grown), "old and more");
}

}  // namespace
}  // namespace viaduct::os

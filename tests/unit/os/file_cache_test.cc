// SPDX-License-Identifier: Apache-2.0
#include "os/file_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>

#include "support/temporary_directory.h"

namespace viaduct::os {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

RootDirectory root_at(const std::string& path) {
  auto root = RootDirectory::open(path);
  EXPECT_TRUE(root.has_value());
  return std::move(*root);
}

// A root, and a moment at which all that the test has written lies an hour back.
class FileCacheTest : public testing::Test {
 protected:
  // Opens `path` as an action does, and keeps it where the cache accepts it.
  bool keep(std::string_view path, const RootDirectory& root) {
    FileCache::Forms forms = cache_.no_forms();
    for (std::size_t i = 0; i < forms.size(); ++i) {
      const auto opened = root.open_file(std::string(path).append(FileCache::kSuffixes[i]));
      forms[i].error = opened.has_value() ? 0 : opened.error();
      if (!opened.has_value()) continue;
      forms[i].status = *opened;
      forms[i].load(opened->fd.get());
    }
    if (!FileCache::accepts(forms, moment_)) return false;
    cache_.keep(root, path, std::move(forms), moment_);
    return true;
  }
  bool keep(std::string_view path) { return keep(path, root_); }
  FileCache::Forms* find(std::string_view path) { return cache_.find(root_, path, moment_); }
  // What the cache says that the file holds.
  std::string content(std::string_view path, std::size_t form = 0) {
    const FileCache::Forms* forms = find(path);
    return forms == nullptr ? "<unknown>" : (*forms)[form].content.to_string();
  }
  // Waits until the clock that dates files has moved on.
  void wait_for_a_tick() {
    files_.write("tick", "");
    const auto before = root_.examine("tick")->ctime_ns;
    while (root_.examine("tick")->ctime_ns == before) files_.write("tick", "");
  }
  // A further request comes.
  void read_more() { ++moment_.reads; }

  support::TemporaryDirectory files_;
  RootDirectory root_ = root_at(files_.path());
  base::ChunkPool chunks_;
  FileCache cache_{chunks_};
  FileCache::Moment moment_{.now = base::MonoTime(1000s), .wall_now = base::SystemClock().wall_now() + 1h, .reads = 1};
};

TEST_F(FileCacheTest, GivesBackWhatItKeeps) {
  files_.write("a/page.html", "page");
  files_.write("a/page.html.gz", "GZIP");
  EXPECT_EQ(find("a/page.html"), nullptr);
  ASSERT_TRUE(keep("a/page.html"));
  read_more();
  EXPECT_EQ(content("a/page.html"), "page");
  EXPECT_EQ(content("a/page.html", 2), "GZIP");
  EXPECT_EQ((*find("a/page.html"))[1].error, ENOENT);
  EXPECT_EQ((*find("a/page.html"))[0].status, *root_.examine("a/page.html"));
  EXPECT_EQ(find("a/page"), nullptr);
  EXPECT_EQ(cache_.size(), 1U);
  EXPECT_EQ(cache_.content_bytes(), 2 * base::Chunk::kBytes);
}

TEST_F(FileCacheTest, SeesWhateverChanges) {
  struct Row {
    std::string_view name;
    std::function<void()> change;
  };
  const std::string path = files_ / "page";
  const Row rows[] = {
      {"written again, as long as before", [&] { files_.write("page", "PAGE"); }},
      {"replaced", [&] { fs::rename(files_.write("new", "page"), path); }},
      {"replaced by a directory", [&] { fs::remove(path), fs::create_directory(path); }},
      {"removed", [&] { fs::remove(path); }},
      {"made longer", [&] { fs::resize_file(path, 5); }},
      {"touched", [&] { EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), nullptr, 0), 0); }},
      {"other rights", [&] { EXPECT_EQ(::chmod(path.c_str(), 0600), 0); }},
      {"a coding appears", [&] { files_.write("page.br", "BR"); }},
      {"a coding goes", [&] { fs::remove(files_ / "page.gz"); }},
      {"a coding is written again", [&] { files_.write("page.gz", "gzip"); }},
  };
  for (const Row& row : rows) {
    fs::remove_all(path);
    fs::remove(files_ / "page.br");
    files_.write("page", "page");
    files_.write("page.gz", "GZIP");
    ASSERT_TRUE(keep("page")) << row.name;
    read_more();
    EXPECT_EQ(content("page"), "page") << row.name;
    wait_for_a_tick();
    row.change();
    read_more();
    EXPECT_EQ(find("page"), nullptr) << row.name;
    EXPECT_EQ(cache_.size(), 0U) << row.name;
  }
}

TEST_F(FileCacheTest, KeepsTheDateOfTheChangeApartFromTheOneThatIsSet) {
  const std::string path = files_.write("page", "page");
  ASSERT_TRUE(keep("page"));
  const auto before = root_.examine("page");
  const timespec same{.tv_sec = before->mtime_ns / 1'000'000'000, .tv_nsec = before->mtime_ns % 1'000'000'000};
  do {
    files_.write("page", "PAGE");
    const timespec times[2] = {same, same};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  } while (root_.examine("page")->ctime_ns == before->ctime_ns);
  EXPECT_EQ(root_.examine("page")->mtime_ns, before->mtime_ns);
  read_more();
  EXPECT_EQ(find("page"), nullptr);
}

TEST_F(FileCacheTest, LooksOnceForAllRequestsThatHaveCome) {
  files_.write("page", "page");
  ASSERT_TRUE(keep("page"));
  fs::remove(files_ / "page");
  EXPECT_EQ(content("page"), "page") << "it was there when the request had come";
  read_more();
  EXPECT_EQ(find("page"), nullptr);
}

TEST_F(FileCacheTest, KeepsNothingThatHasNotSettled) {
  files_.write("page", "page");
  const base::WallTime changed{base::Duration(root_.examine("page")->ctime_ns)};
  for (const auto& [age, is_kept] : {std::pair<base::Duration, bool>{-1h, false},
                                     {0s, false},
                                     {FileCache::kSettledAfter, false},
                                     {FileCache::kSettledAfter + 1ns, true}}) {
    moment_.wall_now = changed + age;
    EXPECT_EQ(keep("page"), is_kept) << age.count();
  }
  files_.write("page.gz", "GZIP");
  moment_.wall_now = base::WallTime(base::Duration(root_.examine("page.gz")->ctime_ns)) + FileCache::kSettledAfter;
  EXPECT_FALSE(keep("page")) << "nor where a coding of it has not";
}

TEST_F(FileCacheTest, KeepsNothingThatOpensOtherwiseThanItLooks) {
  EXPECT_FALSE(keep("missing"));
  files_.write("page", "page");
  fs::create_symlink("/etc/passwd", files_ / "page.gz");
  EXPECT_FALSE(keep("page")) << "a link that leads out is there for stat(2)";
  fs::remove(files_ / "page.gz");
  fs::create_symlink("nowhere", files_ / "page.gz");
  EXPECT_TRUE(keep("page"));
  read_more();
  EXPECT_NE(find("page"), nullptr);
}

TEST_F(FileCacheTest, OpensAnewAfterItsLifetime) {
  files_.write("page", "page");
  ASSERT_TRUE(keep("page"));
  moment_.now += FileCache::kLifetime - 1ns;
  EXPECT_NE(find("page"), nullptr);
  moment_.now += 1ns;
  EXPECT_EQ(find("page"), nullptr);
  EXPECT_EQ(cache_.size(), 0U);
}

TEST_F(FileCacheTest, LoadsWhatIsSmallAndStillTheSame) {
  for (const auto& [size, is_loaded] :
       {std::pair{std::size_t{1}, true}, {FileCache::kFileBytesMax, true}, {FileCache::kFileBytesMax + 1, false}}) {
    files_.write("page", std::string(size, 'x'));
    const auto opened = root_.open_file("page");
    FileCache::Form form(chunks_);
    form.status = *opened;
    form.load(opened->fd.get());
    EXPECT_EQ(form.is_loaded(), is_loaded) << size;
    EXPECT_EQ(form.content.size(), is_loaded ? size : 0);
  }
  const auto opened = root_.open_file("page");
  for (const std::uint64_t other : {std::uint64_t{1}, opened->size + 1}) {
    FileCache::Form form(chunks_);
    form.status = *opened;
    form.status.size = other;
    form.load(opened->fd.get());
    EXPECT_FALSE(form.is_loaded());
    EXPECT_TRUE(form.content.empty());
  }
}

TEST_F(FileCacheTest, HoldsOnlySoManyFilesAndForgetsTheOneLeftAloneForLongest) {
  files_.write("page", "");
  const auto path = [](std::size_t slashes) { return "." + std::string(slashes, '/') + "page"; };
  for (std::size_t i = 1; i <= FileCache::kFilesMax; ++i) ASSERT_TRUE(keep(path(i)));
  EXPECT_EQ(cache_.size(), FileCache::kFilesMax);
  EXPECT_NE(find("./page"), nullptr);
  ASSERT_TRUE(keep("page"));
  EXPECT_EQ(cache_.size(), FileCache::kFilesMax);
  EXPECT_NE(find("page"), nullptr);
  EXPECT_NE(find("./page"), nullptr);
  EXPECT_EQ(find(".//page"), nullptr);
}

TEST_F(FileCacheTest, HoldsOnlySoManyBytes) {
  files_.write("page", std::string(FileCache::kFileBytesMax, 'x'));
  constexpr std::size_t kRoom = FileCache::kContentBytesMax / FileCache::kFileBytesMax;
  for (std::size_t i = 0; i < kRoom + 1; ++i) {
    EXPECT_EQ(cache_.content_bytes(), i * FileCache::kFileBytesMax);
    ASSERT_TRUE(keep("." + std::string(i + 1, '/') + "page"));
  }
  EXPECT_EQ(cache_.content_bytes(), FileCache::kContentBytesMax);
  EXPECT_EQ(cache_.size(), kRoom);
  EXPECT_EQ(find("./page"), nullptr);
  EXPECT_EQ(chunks_.chunks_in_use(), FileCache::kContentBytesMax / base::Chunk::kBytes);
}

TEST_F(FileCacheTest, CountsWhatIsLoadedLater) {
  files_.write("page", "page");
  const auto opened = root_.open_file("page");
  FileCache::Forms forms = cache_.no_forms();
  forms[0].error = 0;
  forms[0].status = *opened;
  cache_.keep(root_, "page", std::move(forms), moment_);
  EXPECT_EQ(cache_.content_bytes(), 0U);
  FileCache::Forms* found = find("page");
  (*found)[0].load(opened->fd.get());
  cache_.loaded();
  EXPECT_EQ(cache_.content_bytes(), base::Chunk::kBytes);
  EXPECT_EQ(content("page"), "page");
  cache_.drop_found();
  EXPECT_EQ(cache_.content_bytes(), 0U);
  EXPECT_EQ(cache_.size(), 0U);
}

TEST_F(FileCacheTest, KeepsNoPathThatIsTooLong) {
  files_.write("page", "");
  const auto path = [](std::size_t size) { return "." + std::string(size - 5, '/') + "page"; };
  for (const std::size_t size : {FileCache::kPathBytesMax, FileCache::kPathBytesMax + 1}) {
    ASSERT_TRUE(keep(path(size)));
    EXPECT_EQ(find(path(size)) != nullptr, size == FileCache::kPathBytesMax);
  }
  EXPECT_EQ(cache_.size(), 1U);
}

TEST_F(FileCacheTest, ForgetsWhatNobodyAsksFor) {
  files_.write("old", "old");
  files_.write("new", "new");
  ASSERT_TRUE(keep("old"));
  const base::MonoTime first = moment_.now;
  moment_.now += 1s;
  ASSERT_TRUE(keep("new"));
  cache_.sweep(first + FileCache::kIdleMax);
  EXPECT_EQ(cache_.size(), 2U);
  cache_.sweep(first + FileCache::kIdleMax + 1ns);
  EXPECT_EQ(cache_.size(), 1U);
  cache_.sweep(first + 1h);
  EXPECT_EQ(cache_.size(), 0U);
  EXPECT_EQ(cache_.content_bytes(), 0U);
  EXPECT_EQ(chunks_.chunks_in_use(), 0U);
}

TEST_F(FileCacheTest, TellsRootsApart) {
  files_.write("one/page", "one");
  files_.write("two/page", "two");
  const RootDirectory one = root_at(files_ / "one");
  const RootDirectory two = root_at(files_ / "two");
  ASSERT_TRUE(keep("page", one));
  EXPECT_EQ(cache_.find(two, "page", moment_), nullptr);
  ASSERT_TRUE(keep("page", two));
  EXPECT_EQ((*cache_.find(one, "page", moment_))[0].content.to_string(), "one");
  EXPECT_EQ((*cache_.find(two, "page", moment_))[0].content.to_string(), "two");
}

// A deployment makes the new version beside the old one, and swaps a link.
TEST(FileCacheRoots, SeeAnotherDirectoryAtTheirPath) {
  const support::TemporaryDirectory place;
  base::ChunkPool chunks;
  FileCache cache(chunks);
  fs::create_directory(place / "one");
  fs::create_directory(place / "two");
  fs::create_directory_symlink(place / "one", place / "current");
  const std::string path = place / "current";
  const RootDirectory opened = root_at(path);
  base::MonoTime now{1000s};
  EXPECT_EQ(&cache.newest_root(opened, path, now), &opened);
  fs::create_directory_symlink(place / "two", place / "next");
  fs::rename(place / "next", place / "current");
  EXPECT_EQ(&cache.newest_root(opened, path, now + 900ms), &opened) << "looked at a moment ago";
  now += FileCache::kRootLookInterval;
  const RootDirectory& newer = cache.newest_root(opened, path, now);
  EXPECT_EQ(newer.status().inode, root_at(place / "two").status().inode);
  EXPECT_EQ(&cache.newest_root(opened, path, now), &newer);
  // Between the steps of another deployment there is nothing.
  fs::remove(place / "current");
  now += FileCache::kRootLookInterval;
  EXPECT_EQ(&cache.newest_root(opened, path, now), &newer);
  fs::create_directory_symlink(place / "one", place / "current");
  now += FileCache::kRootLookInterval;
  EXPECT_EQ(&cache.newest_root(opened, path, now), &opened);
  cache.sweep(now + FileCache::kIdleMax + 1s);
  EXPECT_EQ(&cache.newest_root(opened, path, now), &opened);
}

}  // namespace
}  // namespace viaduct::os

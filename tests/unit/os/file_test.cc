// SPDX-License-Identifier: Apache-2.0
#include "os/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "support/temporary_directory.h"

namespace viaduct::os {
namespace {

using support::TemporaryDirectory;
namespace fs = std::filesystem;

// A root with files, links that stay inside and links that lead out, and things that are no files; the same tests by
// the kernel's lookup and by ours.
class RootDirectoryTest : public testing::TestWithParam<RootDirectory::Lookup> {
 protected:
  RootDirectoryTest() {
    directory_.write("secret.txt", "secret");
    directory_.write("root-evil/secret.txt", "secret");
    directory_.write("root/index.html", "index");
    directory_.write("root/empty", "");
    directory_.write("root/a/b/deep.txt", "deep");
    directory_.write("root/支付 证书.txt", "chinese");
    directory_.write("root/..hidden", "dots");
    directory_.write("root/a/...", "three dots");
    fs::create_symlink("index.html", directory_ / "root/inside");
    fs::create_symlink("a/b", directory_ / "root/inside-folder");
    fs::create_symlink("../secret.txt", directory_ / "root/out");
    fs::create_symlink("..", directory_ / "root/out-folder");
    fs::create_symlink("/etc", directory_ / "root/absolute");
    fs::create_symlink(directory_ / "root/index.html", directory_ / "root/absolute-inside");
    fs::create_symlink("../../../secret.txt", directory_ / "root/a/b/out");
    fs::create_symlink("/proc/self/cwd", directory_ / "root/magic");
    fs::create_symlink("loop", directory_ / "root/loop");
    fs::create_symlink("nowhere", directory_ / "root/dangling");
    EXPECT_EQ(::mkfifo((directory_ / "root/fifo").c_str(), 0666), 0);
    make_socket(directory_ / "root/socket");
    auto root = RootDirectory::open(directory_ / "root", GetParam());
    EXPECT_TRUE(root.has_value());
    root_.emplace(std::move(*root));
  }

  const RootDirectory& root() const { return *root_; }
  bool walks() const { return GetParam() == RootDirectory::Lookup::kWalk; }
  const TemporaryDirectory& directory() const { return directory_; }

  // What the file holds, "<directory>", or the name of the error.
  std::string outcome(std::string_view relative) const {
    const auto file = root_->open_file(relative);
    if (!file.has_value()) return error_name(file.error());
    if (file->is_directory) return "<directory>";
    std::string bytes(file->size, '\0');
    const auto count = read_at(file->fd.get(), bytes, 0);
    return count.has_value() && *count == bytes.size() ? bytes : "<unreadable>";
  }

  std::expected<OpenedFile, int> open(std::string_view relative) const { return root_->open_file(relative); }

 private:
  static void make_socket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(path.size(), sizeof(address.sun_path));
    path.copy(address.sun_path, path.size());
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }

  static std::string error_name(int code) { return ::strerrorname_np(code) != nullptr ? ::strerrorname_np(code) : "?"; }

  TemporaryDirectory directory_;
  std::optional<RootDirectory> root_;
};

TEST_P(RootDirectoryTest, OpensFilesAndDirectoriesBelow) {
  struct Row {
    std::string_view path;
    std::string_view outcome;
  };
  const Row rows[] = {
      {"index.html", "index"},      {"empty", ""},
      {"a/b/deep.txt", "deep"},     {"a//b///deep.txt", "deep"},
      {"./a/./b/deep.txt", "deep"}, {"支付 证书.txt", "chinese"},
      {"..hidden", "dots"},         {"a/...", "three dots"},
      {"", "<directory>"},          {".", "<directory>"},
      {"a", "<directory>"},         {"a/", "<directory>"},
      {"a/b/.", "<directory>"},
  };
  for (const Row& row : rows) EXPECT_EQ(outcome(row.path), row.outcome) << row.path;
}

TEST_P(RootDirectoryTest, SaysWhatIsNotThere) {
  EXPECT_EQ(outcome("missing"), "ENOENT");
  EXPECT_EQ(outcome("missing/file"), "ENOENT");
  EXPECT_EQ(outcome("index.html/"), "ENOTDIR");
  EXPECT_EQ(outcome("index.html/more"), "ENOTDIR");
  EXPECT_EQ(outcome(std::string(256, 'n')), "ENAMETOOLONG");
  EXPECT_EQ(outcome("INDEX.HTML"), "ENOENT");
  EXPECT_EQ(outcome("dangling"), walks() ? "ELOOP" : "ENOENT");
}

TEST_P(RootDirectoryTest, NeverOpensAnythingOutside) {
  const std::string link = walks() ? "ELOOP" : "EXDEV";
  struct Row {
    std::string path;
    std::string outcome;
  };
  const Row rows[] = {
      {"..", "EXDEV"},
      {"../secret.txt", "EXDEV"},
      {"../root-evil/secret.txt", "EXDEV"},
      {"../root/index.html", "EXDEV"},
      {"a/../index.html", "EXDEV"},
      {"a/..", "EXDEV"},
      {"a/../../secret.txt", "EXDEV"},
      {"/etc/passwd", "EXDEV"},
      {"//etc/passwd", "EXDEV"},
      {directory() / "root/index.html", "EXDEV"},
      {"out", link},
      {"out-folder", link},
      {"out-folder/secret.txt", link},
      {"a/b/out", link},
      {"absolute", link},
      {"absolute/passwd", link},
      {"absolute-inside", link},
      {"magic", link},
      {"magic/file", link},
      {"loop", "ELOOP"},
      {"loop/file", "ELOOP"},
      {std::string("index.html\0.png", 15), "EINVAL"},
      {std::string("\0", 1), "EINVAL"},
  };
  for (const Row& row : rows) EXPECT_EQ(outcome(row.path), row.outcome) << row.path;
}

TEST_P(RootDirectoryTest, FollowsLinksInsideWhereTheKernelWatches) {
  EXPECT_EQ(outcome("inside"), walks() ? "ELOOP" : "index");
  EXPECT_EQ(outcome("inside-folder/deep.txt"), walks() ? "ELOOP" : "deep");
}

TEST_P(RootDirectoryTest, OpensNeitherPipesNorSocketsAndNeverBlocks) {
  EXPECT_EQ(outcome("fifo"), "EINVAL");
  EXPECT_EQ(outcome("socket"), "EINVAL");
}

TEST_P(RootDirectoryTest, OpensNoDevice) {
  const auto root = RootDirectory::open("/dev", GetParam());
  ASSERT_TRUE(root.has_value());
  const auto device = root->open_file("null");
  ASSERT_FALSE(device.has_value());
  EXPECT_EQ(device.error(), EINVAL);
}

TEST_P(RootDirectoryTest, DescribesWhatItOpened) {
  const std::string path = directory().write("root/dated", "12345");
  const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 2}, {.tv_sec = 1767323045, .tv_nsec = 123456789}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  const auto file = open("dated");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->size, 5U);
  EXPECT_EQ(file->mtime_ns, 1767323045'123456789);
  EXPECT_EQ(file->inode, status.st_ino);
  EXPECT_FALSE(file->is_directory);
  EXPECT_NE(::fcntl(file->fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_P(RootDirectoryTest, ExaminesWhatItWouldOpen) {
  for (const std::string path : {"index.html", "empty", "a", ".", "a/b/deep.txt"}) {
    const auto opened = open(path);
    ASSERT_TRUE(opened.has_value()) << path;
    const FileStatus& expected = *opened;
    EXPECT_TRUE(root().examine(path) == expected) << path;
    EXPECT_TRUE(examine_open(opened->fd.get()) == expected) << path;
  }
  for (const std::string path : {"missing", "dangling", "missing/file"})
    EXPECT_EQ(root().examine(path).error(), ENOENT);
  EXPECT_EQ(root().examine("index.html/").error(), ENOTDIR);
  EXPECT_EQ(root().examine("fifo").error(), EINVAL);
  EXPECT_EQ(root().examine("socket").error(), EINVAL);
  EXPECT_TRUE(root().status() == *root().examine("."));
  EXPECT_FALSE(root().status() == *root().examine("a"));
}

TEST_P(RootDirectoryTest, StaysWithItsDirectoryWhenThatIsMoved) {
  fs::rename(directory() / "root", directory() / "moved");
  EXPECT_EQ(outcome("index.html"), "index");
}

INSTANTIATE_TEST_SUITE_P(BothLookups, RootDirectoryTest,
                         testing::Values(RootDirectory::Lookup::kBest, RootDirectory::Lookup::kWalk),
                         [](const auto& parameter) {
                           return parameter.param == RootDirectory::Lookup::kBest ? "Best" : "Walk";
                         });

TEST(RootDirectory, MayBeALinkItself) {
  const TemporaryDirectory directory;
  directory.write("releases/1/index.html", "one");
  fs::create_symlink("releases/1", directory / "current");
  const auto root = RootDirectory::open(directory / "current");
  ASSERT_TRUE(root.has_value());
  EXPECT_TRUE(root->open_file("index.html").has_value());
}

TEST(RootDirectory, MustBeADirectory) {
  const TemporaryDirectory directory;
  const auto file = RootDirectory::open(directory.write("file", ""));
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, ENOTDIR);
  const auto missing = RootDirectory::open(directory / "missing");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ENOENT);
  EXPECT_NE(missing.error().message.find(directory / "missing"), std::string::npos);
}

TEST(ReadAt, StopsAtTheEndOfTheFile) {
  const TemporaryDirectory directory;
  const Fd fd(::open(directory.write("file", "0123456789").c_str(), O_RDONLY | O_CLOEXEC));
  char bytes[4];
  EXPECT_EQ(read_at(fd.get(), bytes, 0).value(), 4U);
  EXPECT_EQ(std::string_view(bytes, 4), "0123");
  EXPECT_EQ(read_at(fd.get(), bytes, 8).value(), 2U);
  EXPECT_EQ(std::string_view(bytes, 2), "89");
  EXPECT_EQ(read_at(fd.get(), bytes, 10).value(), 0U);
  EXPECT_EQ(read_at(fd.get(), bytes, 1000).value(), 0U);
  EXPECT_EQ(read_at(-1, bytes, 0).error().code, EBADF);
}

TEST(ReadChunks, ReadsManyChunksAtOnce) {
  const TemporaryDirectory directory;
  constexpr std::size_t kAtOnce = kReadChunksMax * base::Chunk::kBytes;
  std::string text;
  for (std::size_t i = 0; i < kAtOnce + 10; ++i) text += static_cast<char>('a' + i % 23);
  const Fd fd(::open(directory.write("file", text).c_str(), O_RDONLY | O_CLOEXEC));
  struct Row {
    std::size_t bytes;
    std::uint64_t offset;
    std::size_t got;
  };
  base::ChunkPool pool;
  for (const Row& row :
       {Row{0, 0, 0}, Row{1, 0, 1}, Row{base::Chunk::kBytes, 3, base::Chunk::kBytes},
        Row{base::Chunk::kBytes + 1, 3, base::Chunk::kBytes + 1}, Row{kAtOnce, 1, kAtOnce},
        Row{kAtOnce + 1, 0, kAtOnce}, Row{100, kAtOnce, 10}, Row{100, kAtOnce + 10, 0}, Row{100, kAtOnce * 2, 0}}) {
    base::Buffer buffer(pool);
    buffer.append("before ");
    EXPECT_EQ(read_chunks(fd.get(), buffer, row.bytes, row.offset).value(), row.got) << row.bytes;
    EXPECT_TRUE(buffer.to_string() == "before " + (row.got == 0 ? "" : text.substr(row.offset, row.got))) << row.bytes;
  }
  base::Buffer buffer(pool);
  EXPECT_EQ(read_chunks(-1, buffer, 1, 0).error().code, EBADF);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(pool.chunks_in_use(), 0U);
}

TEST(ReadFile, ReadsUpToItsBound) {
  const TemporaryDirectory directory;
  const std::string bytes = std::string("a\0b\r\n", 5) + std::string(10000, 'x');
  const std::string path = directory.write("file", bytes);
  EXPECT_EQ(read_file(path, bytes.size() + 1).value(), bytes);
  EXPECT_EQ(read_file(path, bytes.size()).value(), bytes);
  const auto larger = read_file(path, bytes.size() - 1);
  ASSERT_FALSE(larger.has_value());
  EXPECT_EQ(larger.error().message, path + " is larger than the 10004 bytes that are allowed here");
  EXPECT_EQ(read_file(directory.write("empty", ""), 0).value(), "");
}

TEST(ReadFile, ReadsFilesThatSayTheyAreEmpty) {
  const auto status = read_file("/proc/self/status", 1024 * 1024);
  ASSERT_TRUE(status.has_value());
  EXPECT_NE(status->find("Pid:"), std::string::npos);
}

TEST(ReadFile, SaysWhatCannotBeRead) {
  const TemporaryDirectory directory;
  EXPECT_EQ(read_file(directory.path(), 100).error().code, EISDIR);
  EXPECT_EQ(read_file(directory / "missing", 100).error().code, ENOENT);
  EXPECT_EQ(read_file("/dev/zero", 100).error().code, EINVAL);
  ASSERT_EQ(::mkfifo((directory / "fifo").c_str(), 0666), 0);
  EXPECT_EQ(read_file(directory / "fifo", 100).error().code, EINVAL);
}

}  // namespace
}  // namespace viaduct::os

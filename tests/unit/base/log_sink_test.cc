// SPDX-License-Identifier: Apache-2.0
#include "base/log_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "support/temporary_directory.h"

namespace viaduct::base {
namespace {

using support::file_bytes;
using support::TemporaryDirectory;

// Both ends of a pipe or of a pair of sockets, the reader's end never blocking.
struct Channel {
  int reader = -1;
  int writer = -1;

  static Channel pipe() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return {ends[0], ends[1]};
  }
  static Channel sockets() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return {ends[0], ends[1]};
  }

  Channel(int reader_end, int writer_end) : reader(reader_end), writer(writer_end) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() {
    ::close(reader);
    ::close(writer);
  }

  // All that can be read without waiting.
  std::string read_all() const {
    std::string bytes;
    char chunk[4096];
    for (;;) {
      const ssize_t count = ::read(reader, chunk, sizeof(chunk));
      if (count <= 0) return bytes;
      bytes.append(chunk, static_cast<std::size_t>(count));
    }
  }
};

// Lowers a limit of the process while it lives.
class LoweredLimit {
 public:
  LoweredLimit(__rlimit_resource resource, rlim_t value) : resource_(resource) {
    EXPECT_EQ(::getrlimit(resource_, &before_), 0);
    rlimit lowered = before_;
    lowered.rlim_cur = value;
    EXPECT_EQ(::setrlimit(resource_, &lowered), 0);
  }
  ~LoweredLimit() { ::setrlimit(resource_, &before_); }
  LoweredLimit(const LoweredLimit&) = delete;
  LoweredLimit& operator=(const LoweredLimit&) = delete;

 private:
  __rlimit_resource resource_;
  rlimit before_{};
};

std::string numbered_line(std::size_t number) {
  return "line " + std::to_string(number) + " " + std::string(200, 'x') + "\n";
}

// Reads and flushes in turn until nothing is left, and checks that lines 0 … count - 1 came whole and in order.
void expect_all_lines(LogSink& sink, const Channel& channel, std::size_t count) {
  std::string received = channel.read_all();
  while (sink.has_backlog()) {
    sink.flush();
    const std::string more = channel.read_all();
    ASSERT_FALSE(more.empty());
    received += more;
  }
  std::string expected;
  for (std::size_t number = 0; number < count; ++number) expected += numbered_line(number);
  EXPECT_TRUE(received == expected) << received.size() << " bytes instead of " << expected.size();
}

TEST(LogSink, AppendsToAFileAndMakesItForOwnerAndGroup) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.log";
  {
    auto sink = LogSink::open(path);
    ASSERT_TRUE(sink.has_value());
    (*sink)->write("one\n");
    (*sink)->write("two\nthree\n");
    (*sink)->write("");
  }
  auto again = LogSink::open(path);
  ASSERT_TRUE(again.has_value());
  (*again)->write("four\n");
  EXPECT_EQ(file_bytes(path), "one\ntwo\nthree\nfour\n");
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0137, 0U);
  EXPECT_EQ((*again)->lost_lines(), 0U);
}

TEST(LogSink, NamesThePathThatCannotBeOpened) {
  const auto sink = LogSink::open("/nonexistent/folder/a.log");
  ASSERT_FALSE(sink.has_value());
  EXPECT_EQ(sink.error().code, ENOENT);
  EXPECT_NE(sink.error().message.find("/nonexistent/folder/a.log"), std::string::npos);
}

TEST(LogSink, WritesToTheNewFileAfterReopen) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.log";
  auto sink = LogSink::open(path);
  ASSERT_TRUE(sink.has_value());
  (*sink)->write("one\n");
  std::filesystem::rename(path, directory / "a.log.1");
  (*sink)->write("two\n");
  ASSERT_TRUE((*sink)->reopen().has_value());
  (*sink)->write("three\n");
  EXPECT_EQ(file_bytes(directory / "a.log.1"), "one\ntwo\n");
  EXPECT_EQ(file_bytes(path), "three\n");
}

TEST(LogSink, KeepsTheOldFileWhenReopenFails) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "logs");
  auto sink = LogSink::open(directory / "logs/a.log");
  ASSERT_TRUE(sink.has_value());
  std::filesystem::rename(directory / "logs", directory / "moved");
  const auto result = (*sink)->reopen();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ENOENT);
  (*sink)->write("still here\n");
  EXPECT_EQ(file_bytes(directory / "moved/a.log"), "still here\n");
}

TEST(LogSink, NeverMixesTheBatchesOfThreads) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.log";
  auto sink = LogSink::open(path);
  ASSERT_TRUE(sink.has_value());
  constexpr int kThreads = 4;
  constexpr int kBatches = 200;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&sink, thread] {
      const std::string letter(100, static_cast<char>('a' + thread));
      for (int batch = 0; batch < kBatches; ++batch) (*sink)->write(letter + "1\n" + letter + "2\n");
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::istringstream lines(file_bytes(path));
  int count = 0;
  std::string first;
  std::string second;
  while (std::getline(lines, first) && std::getline(lines, second)) {
    ++count;
    ASSERT_EQ(first, std::string(100, first[0]) + "1");
    ASSERT_EQ(second, std::string(100, first[0]) + "2");
  }
  EXPECT_EQ(count, kThreads * kBatches);
}

TEST(LogSink, KeepsLinesForASlowReaderInOrder) {
  for (const bool is_socket : {false, true}) {
    const Channel channel = is_socket ? Channel::sockets() : Channel::pipe();
    const auto sink = LogSink::on_stream(channel.writer);
    constexpr std::size_t kLines = 3000;  // 600 KB: more than a pipe or a socket holds, less than the backlog
    for (std::size_t number = 0; number < kLines; ++number) sink->write(numbered_line(number));
    EXPECT_TRUE(sink->has_backlog());
    expect_all_lines(*sink, channel, kLines);
    EXPECT_EQ(sink->lost_lines(), 0U);
  }
}

TEST(LogSink, NeverBlocksOnADescriptorThatItCannotOpenAnew) {
  const Channel channel = Channel::pipe();
  std::unique_ptr<LogSink> sink;
  {
    const LoweredLimit no_more_files(RLIMIT_NOFILE, 3);
    sink = LogSink::on_stream(channel.writer);
  }
  constexpr std::size_t kLines = 3000;
  for (std::size_t number = 0; number < kLines; ++number) sink->write(numbered_line(number));
  EXPECT_TRUE(sink->has_backlog());
  expect_all_lines(*sink, channel, kLines);
  EXPECT_EQ(sink->lost_lines(), 0U);
}

TEST(LogSink, KnowsWhereItLeads) {
  const TemporaryDirectory directory;
  const Channel channel = Channel::pipe();
  const auto stream = LogSink::on_stream(channel.writer);
  EXPECT_TRUE(stream->leads_where(channel.writer));
  EXPECT_FALSE(stream->leads_where(-1));
  const auto file = LogSink::open(directory / "a.log");
  ASSERT_TRUE(file.has_value());
  EXPECT_FALSE((*file)->leads_where(channel.writer));
  EXPECT_FALSE(stream->leads_where(STDERR_FILENO));
}

TEST(LogSink, LeavesTheModeOfASharedDescriptorAlone) {
  const Channel channel = Channel::pipe();
  const auto sink = LogSink::on_stream(channel.writer);
  EXPECT_EQ(::fcntl(channel.writer, F_GETFL) & O_NONBLOCK, 0);
}

TEST(LogSink, CountsTheLinesBeyondTheBacklogAsLost) {
  const Channel channel = Channel::pipe();
  const auto sink = LogSink::on_stream(channel.writer);
  const std::string batch = "first of two " + std::string(64 * 1024 - 30, 'y') + "\nsecond\n";
  constexpr std::uint64_t kBatches = 40;  // 2.5 MiB
  for (std::uint64_t count = 0; count < kBatches; ++count) sink->write(batch);
  const std::uint64_t lost = sink->lost_lines();
  EXPECT_GT(lost, 0U);
  std::string received = channel.read_all();
  while (sink->has_backlog()) {
    sink->flush();
    received += channel.read_all();
  }
  std::string expected;
  for (std::uint64_t count = 0; count < kBatches - lost / 2; ++count) expected += batch;
  EXPECT_TRUE(received == expected);
  EXPECT_LE(received.size(), LogSink::kBacklogBytesMax + 64 * 1024 + 16 * 4096);
  sink->write("fits again\n");
  EXPECT_EQ(channel.read_all(), "fits again\n");
}

// A file that already holds kFilled bytes, far more than standard error gets while the size of files is bounded.
constexpr std::size_t kFilled = 64 * 1024;

TEST(LogSink, GoesOnInTheMiddleOfALineWhenTheDiskHasRoomAgain) {
  const TemporaryDirectory directory;
  ::signal(SIGXFSZ, SIG_IGN);
  const std::string path = directory.write("a.log", std::string(kFilled, '\n'));
  auto sink = LogSink::open(path);
  ASSERT_TRUE(sink.has_value());
  testing::internal::CaptureStderr();
  {
    const LoweredLimit small(RLIMIT_FSIZE, kFilled + 10);
    (*sink)->write("one\ntwo and more\n");
    (*sink)->write("three\n");
    EXPECT_TRUE((*sink)->has_backlog());
    EXPECT_EQ(file_bytes(path).substr(kFilled), "one\ntwo an");
  }
  (*sink)->write("four\n");
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_EQ(file_bytes(path).substr(kFilled), "one\ntwo and more\nthree\nfour\n");
  EXPECT_EQ((*sink)->lost_lines(), 0U);
  EXPECT_EQ(told, "viaduct: log file " + path +
                      " cannot be written: File too large; the next 1048576 bytes are kept, then lines are lost\n"
                      "viaduct: log file " +
                      path + " is written again, 0 lines were lost since the start\n");
}

TEST(LogSink, StartsANewFileWithAWholeLine) {
  const TemporaryDirectory directory;
  ::signal(SIGXFSZ, SIG_IGN);
  const std::string path = directory.write("a.log", std::string(kFilled, '\n'));
  auto sink = LogSink::open(path);
  ASSERT_TRUE(sink.has_value());
  testing::internal::CaptureStderr();
  {
    const LoweredLimit small(RLIMIT_FSIZE, kFilled + 6);
    (*sink)->write("one\ntwo\nthree\n");
    std::filesystem::rename(path, directory / "a.log.1");
    ASSERT_TRUE((*sink)->reopen().has_value());
  }
  (*sink)->write("four\n");
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(file_bytes(directory / "a.log.1").substr(kFilled), "one\ntw");
  EXPECT_EQ(file_bytes(path), "three\nfour\n");
  EXPECT_EQ((*sink)->lost_lines(), 1U);
}

TEST(LogSink, GoesOnWithItsLineWhereItOpensTheSameFileAgain) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.log";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_NE(reader, -1);
  const int capacity = ::fcntl(reader, F_SETPIPE_SZ, 4096);
  auto sink = LogSink::open(path);
  ASSERT_TRUE(sink.has_value());
  std::string lines;
  while (lines.size() < 2 * static_cast<std::size_t>(capacity)) lines += "a line whose length divides no page\n";
  testing::internal::CaptureStderr();
  (*sink)->write(lines);
  ASSERT_TRUE((*sink)->has_backlog());
  ASSERT_TRUE((*sink)->reopen().has_value());
  testing::internal::GetCapturedStderr();
  std::string received;
  std::array<char, 4096> bytes;
  while (received.size() < lines.size()) {
    const ssize_t got = ::read(reader, bytes.data(), bytes.size());
    if (got <= 0) break;
    received.append(bytes.data(), static_cast<std::size_t>(got));
    (*sink)->flush();
  }
  ::close(reader);
  EXPECT_TRUE(received == lines) << received.size() << " of " << lines.size() << " bytes";
  EXPECT_EQ((*sink)->lost_lines(), 0U);
}

TEST(LogSink, GivesUpOnAFullDiskAtTheEndWithoutWaiting) {
  testing::internal::CaptureStderr();
  {
    auto sink = LogSink::open("/dev/full");
    ASSERT_TRUE(sink.has_value());
    (*sink)->write("one\n");
    (*sink)->write("two\n");
    EXPECT_TRUE((*sink)->has_backlog());
  }
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("/dev/full cannot be written: No space left on device"), std::string::npos) << told;
  EXPECT_EQ(told.find('\n'), told.size() - 1) << "told more than once: " << told;
}

TEST(LogSink, DrainsToASlowReader) {
  const Channel channel = Channel::pipe();
  const auto sink = LogSink::on_stream(channel.writer);
  const std::string batch = std::string(300 * 1024, 'z') + "\n";
  sink->write(batch);
  ASSERT_TRUE(sink->has_backlog());
  std::string received;
  std::thread reader([&channel, &received, wanted = batch.size()] {
    while (received.size() < wanted) received += channel.read_all();
  });
  sink->drain(std::chrono::seconds(30));
  reader.join();
  EXPECT_FALSE(sink->has_backlog());
  EXPECT_TRUE(received == batch);
}

}  // namespace
}  // namespace viaduct::base

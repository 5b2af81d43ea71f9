// SPDX-License-Identifier: Apache-2.0
#include "observe/access_log.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "support/temporary_directory.h"

namespace viaduct::observe {
namespace {

using support::file_bytes;
using support::TemporaryDirectory;

AccessLogOptions short_lines() {
  return {.format = LineFormat::from_template("${request_id} ${path}").value()};
}

class AccessLogTest : public testing::Test {
 protected:
  AccessLogTest() {
    auto sink = base::LogSink::open(path());
    EXPECT_TRUE(sink.has_value());
    sink_ = std::move(*sink);
  }

  std::string path() const { return directory_ / "access.log"; }
  base::LogSink& sink() { return *sink_; }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<base::LogSink> sink_;
};

TEST_F(AccessLogTest, KeepsLinesUntilItIsFlushed) {
  AccessLog log(short_lines(), &sink());
  EXPECT_FALSE(log.pending());
  AccessRecord record;
  record.request_id = "1";
  record.path = "/a";
  log.write(record);
  record.request_id = "2";
  log.write(record);
  EXPECT_TRUE(log.pending());
  EXPECT_EQ(file_bytes(path()), "");
  log.flush();
  EXPECT_FALSE(log.pending());
  EXPECT_EQ(file_bytes(path()), "1 /a\n2 /a\n");
  log.flush();
  EXPECT_EQ(file_bytes(path()), "1 /a\n2 /a\n");
}

TEST_F(AccessLogTest, ChangesItsSinkAndFormatBehindWhatItHas) {
  AccessLog log(short_lines(), &sink());
  AccessRecord record;
  record.request_id = "1";
  record.path = "/a";
  log.write(record);
  const TemporaryDirectory directory;
  auto other = base::LogSink::open(directory / "other.log");
  ASSERT_TRUE(other.has_value());
  log.change({.format = LineFormat::from_template("other ${path}").value()}, other->get());
  EXPECT_EQ(file_bytes(path()), "1 /a\n");
  log.write(record);
  log.change(short_lines(), nullptr);
  EXPECT_EQ(file_bytes(directory / "other.log"), "other /a\n");
  log.write(record);
  EXPECT_FALSE(log.pending());
  log.change(short_lines(), &sink());
  log.write(record);
  log.flush();
  EXPECT_EQ(file_bytes(path()), "1 /a\n1 /a\n");
}

TEST_F(AccessLogTest, WritesABatchThatIsFull) {
  AccessLog log(short_lines(), &sink());
  const std::string text(1000, 'p');
  AccessRecord record;
  record.request_id = "1";
  record.path = text;
  constexpr std::size_t kLine = 2 + 1000 + 1;
  std::size_t lines = 0;
  for (; (lines + 1) * kLine < AccessLog::kBatchBytes; ++lines) log.write(record);
  EXPECT_EQ(file_bytes(path()), "");
  log.write(record);
  EXPECT_FALSE(log.pending());
  EXPECT_EQ(file_bytes(path()).size(), (lines + 1) * kLine);
}

TEST_F(AccessLogTest, HasRoomForTheLongestLineBehindAnAlmostFullBatch) {
  const std::string text(100'000, '\x01');
  AccessRecord record;
  for (std::string_view* value :
       {&record.request_id, &record.site, &record.route, &record.method, &record.host, &record.path, &record.query,
        &record.version, &record.upstream, &record.server, &record.user_agent, &record.referer}) {
    *value = text;
  }
  AccessLog log({.query = QueryLogging::kFull}, &sink());
  for (int line = 0; line < 10; ++line) log.write(record);
  log.flush();
  std::istringstream lines(file_bytes(path()));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_TRUE(line.ends_with("\"}"));
  EXPECT_EQ(count, 10);
}

TEST_F(AccessLogTest, LosesNothingWhenItGoes) {
  {
    AccessLog log(short_lines(), &sink());
    AccessRecord record;
    record.request_id = "last";
    log.write(record);
  }
  EXPECT_EQ(file_bytes(path()), "last -\n");
}

TEST_F(AccessLogTest, SharesASinkBetweenWorkersByWholeLines) {
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([this, worker] {
      AccessLog log(short_lines(), &sink());
      const std::string id(1, static_cast<char>('a' + worker));
      const std::string text(300, id[0]);
      AccessRecord record;
      record.request_id = id;
      record.path = text;
      for (int line = 0; line < 1000; ++line) log.write(record);
    });
  }
  for (std::thread& worker : workers) worker.join();
  std::istringstream lines(file_bytes(path()));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    ASSERT_EQ(line, std::string(1, line[0]) + " " + std::string(300, line[0]));
  }
  EXPECT_EQ(count, 4000);
}

TEST_F(AccessLogTest, MasksQueriesUnlessTold) {
  AccessRecord record;
  record.query = "a=secret";
  const LineFormat format = LineFormat::from_template("${query}").value();
  for (const QueryLogging query : {QueryLogging::kMasked, QueryLogging::kKeys, QueryLogging::kFull}) {
    AccessLog log({.format = format, .query = query}, &sink());
    log.write(record);
  }
  EXPECT_EQ(file_bytes(path()), "a=***\na\na=secret\n");
}

TEST(AccessLog, IsPendingWhileTheSinkCannotWrite) {
  testing::internal::CaptureStderr();
  {
    auto sink = base::LogSink::open("/dev/full");
    ASSERT_TRUE(sink.has_value());
    AccessLog log(short_lines(), sink->get());
    log.write(AccessRecord());
    log.flush();
    EXPECT_TRUE(log.pending());
    log.flush();
    EXPECT_TRUE(log.pending());
  }
  testing::internal::GetCapturedStderr();
}

TEST(AccessLog, DoesNothingWithoutASink) {
  AccessLog log({}, nullptr);
  log.write(AccessRecord());
  EXPECT_FALSE(log.pending());
  log.flush();
}

}  // namespace
}  // namespace viaduct::observe

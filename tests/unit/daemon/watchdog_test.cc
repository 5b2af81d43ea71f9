// SPDX-License-Identifier: Apache-2.0
#include "daemon/watchdog.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "support/temporary_directory.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;

TEST(Watchdog, NamesAWorkerThatHangsOnceAndWhenItTurnsAgain) {
  const support::TemporaryDirectory directory;
  ASSERT_TRUE(base::log_open({.file = directory / "error.log"}).has_value());
  Watchdog watchdog;
  const base::MonoTime start(100s);
  EXPECT_TRUE(watchdog.look(start, {start, start}));
  EXPECT_TRUE(watchdog.look(start + Watchdog::kHangTime, {start + 5s, start}));
  EXPECT_FALSE(watchdog.look(start + 7s, {start + 7s, start}));
  EXPECT_FALSE(watchdog.look(start + 8s, {start + 8s, start}));
  EXPECT_EQ(watchdog.hangs(), (std::vector<bool>{false, true}));
  EXPECT_TRUE(watchdog.look(start + 9s, {start + 9s, start + 9s}));
  ASSERT_TRUE(base::log_open({}).has_value());
  const std::string log = support::file_bytes(directory / "error.log");
  const std::string hangs = " error worker_hangs worker=1 for=7s\n";
  EXPECT_NE(log.find(hangs), std::string::npos) << log;
  EXPECT_EQ(log.find("worker_hangs"), log.rfind("worker_hangs")) << log;
  EXPECT_NE(log.find(" warning worker_turns_again worker=1\n"), std::string::npos) << log;
}

TEST(Watchdog, HasNothingToSayWithoutWorkers) {
  Watchdog watchdog;
  EXPECT_TRUE(watchdog.look(base::MonoTime(100s), {}));
}

}  // namespace
}  // namespace viaduct::daemon

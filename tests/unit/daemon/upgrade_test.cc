// SPDX-License-Identifier: Apache-2.0
#include "daemon/upgrade.h"

#include <gtest/gtest.h>

#include "daemon/listen.h"
#include "support/wait_until.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;

// Says what becomes of an upgrade whose new program is a line of shell; $2 is the descriptor of its pipe.
class UpgradeTest : public testing::Test, public UpgradeHandler {
 protected:
  void on_upgrade_ready(pid_t pid) override { outcome_ = pid != 0 ? "ready" : "nobody"; }
  void on_upgrade_failed(const std::string& why) override { outcome_ = why; }

  std::string outcome_of(const std::string& line, base::Duration patience = 20s) {
    outcome_.clear();
    UpgradeHandler& handler = *this;
    Upgrade upgrade(loop_, handler);
    const auto started = upgrade.start({"/bin/sh", "-c", "set -- $VIADUCT_HANDOVER; " + line},
                                       {.listeners = rows_, .admin_path = "", .ticket_keys = ticket_keys_}, patience);
    if (!started) return started.error().message;
    EXPECT_TRUE(upgrade.is_waiting());
    support::wait_until(loop_, [this] { return !outcome_.empty(); });
    EXPECT_FALSE(upgrade.is_waiting());
    return outcome_;
  }

  base::SystemClock clock_;
  net::Loop loop_{clock_};
  tls::TicketKeys ticket_keys_;
  std::vector<BoundListener> rows_;
  std::string outcome_;
};

TEST_F(UpgradeTest, IsDoneWhenTheNewProcessSaysSo) {
  EXPECT_EQ(outcome_of("echo ready > /proc/self/fd/$2"), "ready");
}

TEST_F(UpgradeTest, TellsWhyItFailed) {
  EXPECT_EQ(outcome_of("echo 'a.yaml:3: no such key' > /proc/self/fd/$2"), "a.yaml:3: no such key");
  EXPECT_EQ(outcome_of("printf '2 errors\\n a\\n b\\n' > /proc/self/fd/$2"), "2 errors\n a\n b");
  const std::string longest = outcome_of("exec head -c 60000 /dev/zero > /proc/self/fd/$2");
  EXPECT_EQ(longest.size(), 60'000u) << "as much as a refusal says";
  EXPECT_EQ(outcome_of("exec 2>/dev/null; kill -SEGV $$"), "the new process ended with signal 11");
  EXPECT_EQ(outcome_of("exec sleep 60", 50ms), "the new process did not serve within 0.05 s");
}

TEST_F(UpgradeTest, SaysWhatCannotBeStarted) {
  UpgradeHandler& handler = *this;
  Upgrade upgrade(loop_, handler);
  const auto started =
      upgrade.start({"/nonexistent"}, {.listeners = rows_, .admin_path = "", .ticket_keys = ticket_keys_});
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().message.find("/nonexistent"), std::string::npos);
  EXPECT_FALSE(upgrade.is_waiting());
}

TEST_F(UpgradeTest, HandsTheListeningSocketsOver) {
  auto sockets = open_sockets({*base::IpAddress::parse("127.0.0.1"), 0}, 2, Sharing::kNobody);
  ASSERT_TRUE(sockets.has_value());
  const int first = (*sockets)[0].get();
  const int second = (*sockets)[1].get();
  rows_.push_back({.number = 1, .wanted = {}, .local = {}, .options = {}, .sockets = {first, second}});
  const std::string line = "test -S /proc/self/fd/" + std::to_string(first) + " && test -S /proc/self/fd/" +
                           std::to_string(second) + " && echo ready > /proc/self/fd/$2";
  EXPECT_EQ(outcome_of(line), "ready");
}

TEST_F(UpgradeTest, EndsAProcessThatNobodyWaitsForAnyMore) {
  UpgradeHandler& handler = *this;
  Upgrade upgrade(loop_, handler);
  ASSERT_TRUE(upgrade.start({"/bin/sleep", "60"}, {.listeners = rows_, .admin_path = "", .ticket_keys = ticket_keys_})
                  .has_value());
}

}  // namespace
}  // namespace viaduct::daemon

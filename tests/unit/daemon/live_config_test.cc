// SPDX-License-Identifier: Apache-2.0
#include "daemon/live_config.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::daemon {
namespace {

using Lines = std::vector<std::string>;

struct Follower final : ConfigFollower {
  void on_snapshot(exchange::Snapshot& snapshot) override { versions.push_back(snapshot.version); }
  void on_refusal(const std::string& why) override { refusals.push_back(why); }
  void on_config(const config::Config& config) override { bodies.push_back(config.sites[0].routes[0].name); }
  std::vector<std::string> bodies;
  std::vector<std::string> refusals;
  std::vector<std::uint64_t> versions;
};

// The config of a process that has no workers yet.
class LiveConfigTest : public testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(base::log_open({}).has_value()); }

  static std::string text(std::string_view route, std::string_view access = "access.log") {
    return "listeners: [{ address: '127.0.0.1:0' }]\nprocess: { workers: 1 }\nlogs: { access: { file: " +
           std::string(access) + " }, error: { file: error.log } }\nsites: [{ hosts: [www.example.com], routes: " +
           "[{ name: " + std::string(route) + ", match: { prefix: / }, respond: { body: x } }] }]\n";
  }
  void start(bool has_file = true) {
    const std::string file = directory_.write("viaduct.yaml", text("first"));
    auto config = support::config_of(text("first"), directory_.path());
    BuildResult built = build_snapshot(*config, 1, ticket_keys_, clock_.wall_now());
    live_ = std::make_unique<LiveConfig>(LiveConfig::Setup{.clock = clock_,
                                                           .ticket_keys = ticket_keys_,
                                                           .config_file = has_file ? file : "",
                                                           .config = std::move(*config),
                                                           .built = std::move(built)},
                                         workers_, follower_);
    ASSERT_TRUE(live_->open_logs().has_value());
    std::vector<InheritedListener> none;
    const auto listeners = live_->open_listeners(none);
    ASSERT_TRUE(listeners.has_value());
    EXPECT_EQ(listeners->size(), 1u);
  }

  support::TemporaryDirectory directory_;
  base::SystemClock clock_;
  tls::TicketKeys ticket_keys_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Follower follower_;
  std::unique_ptr<LiveConfig> live_;
};

TEST_F(LiveConfigTest, TakesAFileThatIsRight) {
  start();
  directory_.write("viaduct.yaml", text("second"));
  const auto lines = live_->reload();
  ASSERT_TRUE(lines.has_value()) << lines.error().message;
  EXPECT_EQ(*lines, (Lines{"route added: www.example.com/second", "route removed: www.example.com/first"}));
  EXPECT_EQ(follower_.bodies, Lines{"second"});
  EXPECT_EQ(live_->snapshot()->version, 2u);
  EXPECT_EQ(follower_.versions, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(live_->config().sites[0].routes[0].name, "second");
}

TEST_F(LiveConfigTest, KeepsEverythingWhereAPartCannotBeHad) {
  start();
  const std::vector<BoundListener> rows = live_->listeners().rows();
  for (const std::string& broken :
       {std::string("listeners: ["), text("second", "none/access.log"), text("second") + "nonsense: 1\n"}) {
    directory_.write("viaduct.yaml", broken);
    EXPECT_FALSE(live_->reload().has_value()) << broken;
    EXPECT_EQ(live_->config().sites[0].routes[0].name, "first");
    EXPECT_EQ(live_->snapshot()->version, 1u);
    EXPECT_EQ(live_->listeners().rows()[0].local, rows[0].local);
  }
  EXPECT_TRUE(follower_.bodies.empty());
  EXPECT_EQ(follower_.refusals.size(), 3u);
}

TEST_F(LiveConfigTest, ReplacesItsAccessLog) {
  start();
  const base::LogSink* before = live_->access_sink();
  directory_.write("viaduct.yaml", text("first", "other.log"));
  const auto lines = live_->reload();
  ASSERT_TRUE(lines.has_value()) << lines.error().message;
  EXPECT_EQ(*lines, Lines{"logs.access changed"});
  EXPECT_NE(live_->access_sink(), before);
  live_->sweep();
  live_->access_sink()->write("x\n");
  EXPECT_EQ(support::file_bytes(directory_ / "other.log"), "x\n");
}

TEST_F(LiveConfigTest, RefusesWithoutAFile) {
  start(false);
  const auto lines = live_->reload();
  ASSERT_FALSE(lines.has_value());
  EXPECT_EQ(lines.error().message, "this instance was not started from a config file");
}

}  // namespace
}  // namespace viaduct::daemon

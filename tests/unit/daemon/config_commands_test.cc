// SPDX-License-Identifier: Apache-2.0
#include "daemon/config_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "support/overview_scene.h"
#include "support/temporary_directory.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// A process that has no workers, and a config in a file.
class ConfigCommandsTest : public testing::Test, private ConfigFollower {
 protected:
  void TearDown() override { ASSERT_TRUE(base::log_open({}).has_value()); }

  static std::string text(std::string_view route, std::string_view process = "{ workers: 1, state_dir: state }") {
    return "listeners: [{ address: '127.0.0.1:0' }]\nprocess: " + std::string(process) +
           "\nlogs: { access: null, error: { file: error.log } }\ninclude: ['*.part']\n" +
           "sites: [{ hosts: [www.example.com], routes: [{ name: " + std::string(route) +
           ", match: { prefix: / }, respond: { body: x } }] }]\n";
  }
  void start(const std::string& text_of_file) {
    const std::string file = directory_.write("viaduct.yaml", text_of_file);
    config::LoadResult loaded = config::load_file(file);
    ASSERT_NE(loaded.config, nullptr) << config::render_problems(loaded.problems, loaded.sources);
    BuildResult built = build_snapshot(*loaded.config, 1, ticket_keys_, scene_.clock.wall_now());
    live_ = std::make_unique<LiveConfig>(LiveConfig::Setup{.clock = scene_.clock,
                                                           .ticket_keys = ticket_keys_,
                                                           .config_file = file,
                                                           .config = std::move(*loaded.config),
                                                           .built = std::move(built),
                                                           .sources = std::move(loaded.sources)},
                                         workers_, static_cast<ConfigFollower&>(*this));
    ASSERT_TRUE(live_->open_logs().has_value());
    std::vector<InheritedListener> none;
    ASSERT_TRUE(live_->open_listeners(none).has_value());
    scene_.overview.note_snapshot(live_->snapshot(), false);
    commands_ = std::make_unique<ConfigCommands>(
        ConfigCommands::Setup{.clock = scene_.clock, .loop = loop_, .live = *live_, .overview = scene_.overview});
    commands_->keep_started();
  }
  std::string order(std::string_view command) {
    EXPECT_TRUE(ConfigCommands::is_one(command)) << command;
    const auto answer = commands_->carry_out(command);
    return answer ? *answer : "error: " + answer.error().message;
  }
  std::string reload(std::string_view route) {
    directory_.write("viaduct.yaml", text(route));
    return order("reload");
  }
  std::string route() const { return live_->config().sites[0].routes[0].name; }
  void pass(base::Duration time) {
    for (base::Duration step{}; step < time; step += 500ms) {
      scene_.clock.advance(500ms);
      loop_.run_once(false);  // looks at the clock anew
      loop_.timers().advance(scene_.clock.mono_now());
    }
  }
  void fail(int count) {
    for (int i = 0; i < count; ++i) scene_.counters.count(http::Reason::kUpstreamClosed, 502);
  }
  std::string error_log() const { return support::file_bytes(directory_ / "error.log"); }

  support::TemporaryDirectory directory_;
  support::OverviewScene scene_;
  net::Loop loop_{scene_.clock};
  tls::TicketKeys ticket_keys_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<LiveConfig> live_;
  std::unique_ptr<ConfigCommands> commands_;

 private:
  void on_snapshot(exchange::Snapshot& snapshot) override { exchange::number_routes(snapshot, scene_.numbers); }
  void on_config(const config::Config&) override { scene_.overview.note_snapshot(live_->snapshot(), true); }
  void on_refusal(const std::string& why) override { scene_.overview.note_refusal(why); }
};

TEST_F(ConfigCommandsTest, RollsBackAndLeavesTheFileAlone) {
  directory_.write("more.part", "resolver: { timeout: 3s }\n");
  start(text("first"));
  EXPECT_THAT(reload("second"), StartsWith("ok\nroute added: www.example.com/second"));
  directory_.write("more.part", "resolver: { timeout: 4s }\n");
  EXPECT_THAT(order("reload"), HasSubstr("resolver changed"));
  EXPECT_THAT(order("rollback 2"), StartsWith("ok\nroute added: www.example.com/first\n"));
  EXPECT_EQ(route(), "first");
  EXPECT_EQ(live_->config().resolver.timeout, 3s) << "the include is as it was, too";
  EXPECT_EQ(support::file_bytes(directory_ / "viaduct.yaml"), text("second"));
  EXPECT_THAT(commands_->list(), HasSubstr("in use"));
  EXPECT_THAT(order("rollback"), HasSubstr("error: there are not 1 configs before the one in use"));
  EXPECT_THAT(order("reload"), StartsWith("ok\nroute added: www.example.com/second"));
  EXPECT_EQ(live_->config().resolver.timeout, 4s);
  EXPECT_THAT(error_log(), HasSubstr(" warning rolled_back kept="));
}

TEST_F(ConfigCommandsTest, SaysHowToPutTheKeptFileBack) {
  start(text("first"));
  reload("second");
  const std::string answer = order("rollback");
  EXPECT_THAT(answer, HasSubstr("\nto put it back: cp " + directory_ / "state/configs/0001-"));
  EXPECT_THAT(answer, EndsWith("/files/viaduct.yaml " + directory_ / "viaduct.yaml"));
}

TEST_F(ConfigCommandsTest, RefusesWhatIsNotThereOrNoLongerGood) {
  start(text("first", "{ workers: 1 }"));
  for (const std::string_view command : {"rollback", "rollback 2"}) {
    EXPECT_THAT(order(command), HasSubstr("process.state_dir")) << command;
  }
  EXPECT_THAT(commands_->list(), HasSubstr("process.state_dir"));
  for (const std::string_view wrong : {"rollback 0", "rollback x", "rollback -1", "rollback "}) {
    EXPECT_THAT(order(wrong), StartsWith("error: rollback N")) << wrong;
  }
  directory_.write("page.html", "x");
  directory_.write("viaduct.yaml", text("second") + "errors: { 502: { file: page.html } }\n");
  ASSERT_THAT(order("reload"), StartsWith("ok"));
  ASSERT_THAT(reload("third"), StartsWith("ok"));
  ASSERT_EQ(::unlink((directory_ / "page.html").c_str()), 0);
  EXPECT_THAT(order("rollback"), HasSubstr("page.html"));
  EXPECT_EQ(route(), "third");
}

TEST_F(ConfigCommandsTest, GoesOnWhereItCannotKeep) {
  directory_.write("state", "a file");
  start(text("first"));
  EXPECT_THAT(error_log(), HasSubstr(" warning config_not_kept error="));
  EXPECT_THAT(reload("second"), StartsWith("ok\nroute added"));
  EXPECT_EQ(route(), "second");
}

TEST_F(ConfigCommandsTest, FallsBackWhereItsGuardSaysSo) {
  start(text("first"));
  directory_.write("viaduct.yaml", text("second"));
  EXPECT_THAT(order("reload guard 30s"), HasSubstr("\nwatched for 30s: "));
  fail(9);
  pass(2s);
  EXPECT_EQ(route(), "first");
  EXPECT_EQ(live_->snapshot()->version, 3U);
  EXPECT_THAT(error_log(), HasSubstr(" error reload_rolled_back reason=\"9 of 9 answers are failures made here"));
  EXPECT_THAT(scene_.overview.facts().refusal, StartsWith("snapshot 2 was taken back by its guard: 9 of 9"));
  EXPECT_THAT(commands_->list(), HasSubstr("left behind"));
  pass(60s);
  EXPECT_EQ(error_log().find("reload_kept"), std::string::npos);
}

TEST_F(ConfigCommandsTest, FallsBackWithoutAStateDirectory) {
  start(text("first", "{ workers: 1 }"));
  directory_.write("viaduct.yaml", text("second", "{ workers: 1 }"));
  order("reload guard 1m");
  fail(9);
  pass(2s);
  EXPECT_EQ(route(), "first");
}

TEST_F(ConfigCommandsTest, KeepsWhatStaysGood) {
  start(text("first"));
  directory_.write("viaduct.yaml", text("second"));
  order("reload guard 5s");
  pass(7s);
  EXPECT_EQ(route(), "second");
  EXPECT_THAT(error_log(), HasSubstr(" reload_kept snapshot=2"));
}

TEST_F(ConfigCommandsTest, EndsTheGuardByAnotherConfig) {
  start(text("first"));
  directory_.write("viaduct.yaml", text("second"));
  order("reload guard 5s");
  reload("third");
  EXPECT_THAT(error_log(), HasSubstr(" reload_guard_ended reason=reload"));
  fail(9);
  pass(10s);
  EXPECT_EQ(route(), "third");
  directory_.write("viaduct.yaml", "nonsense: 1\n");
  order("reload guard 5s");
  EXPECT_EQ(route(), "third") << "a refused reload is nothing to watch";
}

TEST_F(ConfigCommandsTest, RefusesATimeThatIsNone) {
  start(text("first"));
  for (const std::string_view wrong : {"reload guard x", "reload guard 999ms", "reload guard 61m", "reload guard 5"}) {
    EXPECT_THAT(order(wrong), StartsWith("error: ")) << wrong;
  }
  EXPECT_FALSE(ConfigCommands::is_one("reloads"));
  EXPECT_FALSE(ConfigCommands::is_one("rollbacks"));
}

}  // namespace
}  // namespace viaduct::daemon

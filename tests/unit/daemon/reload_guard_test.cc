// SPDX-License-Identifier: Apache-2.0
#include "daemon/reload_guard.h"

#include <gtest/gtest.h>

#include "support/overview_scene.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConfig =
    "listeners: [{ address: '127.0.0.1:0' }]\n"
    "upstreams: { app: { servers: ['http://127.0.0.1:8001'] } }\n"
    "sites:\n"
    "  - hosts: [www.example.com]\n"
    "    routes:\n"
    "      - { name: pay, match: { exact: /pay, methods: [POST] }, upstream: app, callback: alipay }\n"
    "      - { name: page, match: { prefix: / }, respond: { body: hello } }\n";

class ReloadGuardTest : public testing::Test, private GuardHandler {
 protected:
  void pass(base::Duration time) {
    for (base::Duration step{}; step < time; step += 500ms) {
      scene_.clock.advance(500ms);
      loop_.run_once(false);  // looks at the clock anew
      loop_.timers().advance(scene_.clock.mono_now());
    }
  }
  void answer(int count, http::Reason reason = http::Reason::kNone) {
    for (int i = 0; i < count; ++i) {
      scene_.counters.count(reason, reason == http::Reason::kNone ? 200 : http::reason_status(reason));
    }
  }
  void answer_callback(int count, int status, http::Reason reason) {
    const std::uint32_t number = scene_.numbers.find("www.example.com", "pay");
    for (int i = 0; i < count; ++i) scene_.routes.count(number, status, 1ms, reason);
  }

  support::OverviewScene scene_{kConfig};
  net::Loop loop_{scene_.clock};
  ReloadGuard guard_{loop_, scene_.overview, *this};
  std::string worse_;
  int kept_ = 0;

 private:
  void on_worse(const std::string& why) override { worse_ = why; }
  void on_kept() override { ++kept_; }
};

TEST_F(ReloadGuardTest, KeepsWhatStaysGood) {
  answer(100);
  pass(3s);
  guard_.start(20s);
  EXPECT_TRUE(guard_.is_watching());
  answer(100);
  pass(19s);
  EXPECT_EQ(kept_, 0);
  pass(2s);
  EXPECT_EQ(kept_, 1);
  EXPECT_FALSE(guard_.is_watching());
  answer(100, http::Reason::kUpstreamConnectRefused);
  pass(20s);
  EXPECT_EQ(worse_, "") << "its time was over";
}

TEST_F(ReloadGuardTest, TellsWhatGotWorseOnce) {
  answer(100);
  guard_.start(60s);
  answer(90);
  answer(10, http::Reason::kUpstreamConnectRefused);
  pass(2s);
  EXPECT_EQ(worse_, "10 of 100 answers are failures made here (10.0 %), before it were 0.0 %");
  EXPECT_FALSE(guard_.is_watching());
  EXPECT_EQ(kept_, 0);
}

TEST_F(ReloadGuardTest, DoesNotCountWhatClientsBringAbout) {
  guard_.start(60s);
  answer(50, http::Reason::kUnsupportedMethod);
  answer(50, http::Reason::kUnsupportedTransferEncoding);
  answer(50, http::Reason::kRateLimited);
  answer(50, http::Reason::kWebsocketIdle);
  pass(5s);
  EXPECT_EQ(worse_, "");
}

TEST_F(ReloadGuardTest, ComparesWithTheMinuteBeforeAlone) {
  answer(100, http::Reason::kUpstreamClosed);  // long ago
  pass(90s);
  answer(100);
  pass(30s);
  guard_.start(60s);
  answer(5, http::Reason::kUpstreamClosed);
  pass(2s);
  EXPECT_NE(worse_, "");
  worse_.clear();
  // What the minute before had is no surprise.
  guard_.start(60s);
  answer(5, http::Reason::kUpstreamClosed);
  answer(95);
  pass(2s);
  EXPECT_EQ(worse_, "");
}

TEST_F(ReloadGuardTest, SeesFailuresOfCallbacksUnderAnyStatus) {
  answer(100'000);
  guard_.start(60s);
  answer_callback(2, 200, http::Reason::kUpstreamClosed);
  pass(2s);
  EXPECT_EQ(worse_, "");
  answer_callback(1, 500, http::Reason::kNone);
  pass(2s);
  EXPECT_EQ(worse_, "the callback route www.example.com/pay has 3 failures, before it had none");
  worse_.clear();
  guard_.start(60s);
  answer_callback(9, 500, http::Reason::kNone);
  pass(5s);
  EXPECT_EQ(worse_, "") << "it had some";
}

TEST_F(ReloadGuardTest, DoesNotCountWhatRanWithTheConfigBefore) {
  const std::uint32_t pay = scene_.numbers.find("www.example.com", "pay");
  answer(100);
  guard_.start(60s);
  for (int i = 0; i < 9; ++i) {
    answer(1, http::Reason::kUpstreamHeaderTimeout);
    scene_.counters.note_outlived(http::Reason::kUpstreamHeaderTimeout);
    answer_callback(1, 200, http::Reason::kUpstreamHeaderTimeout);
    scene_.routes.note_outlived(pay, 200, http::Reason::kUpstreamHeaderTimeout);
  }
  pass(5s);
  EXPECT_EQ(worse_, "");
  answer_callback(3, 200, http::Reason::kUpstreamHeaderTimeout);
  pass(2s);
  EXPECT_EQ(worse_, "the callback route www.example.com/pay has 3 failures, before it had none");
}

TEST_F(ReloadGuardTest, SaysLaterWhatItHasSeenWhileItWasHeld) {
  guard_.hold();
  guard_.go_on();
  EXPECT_FALSE(guard_.is_watching()) << "there was nothing to hold";
  guard_.start(5s);
  guard_.hold();
  EXPECT_TRUE(guard_.is_watching());
  answer(9, http::Reason::kUpstreamClosed);
  pass(10s);
  EXPECT_EQ(worse_, "");
  EXPECT_EQ(kept_, 0);
  guard_.go_on();
  pass(2s);
  EXPECT_TRUE(worse_.starts_with("9 of 9 answers")) << worse_;
  EXPECT_FALSE(guard_.is_watching());
  guard_.start(5s);
  guard_.hold();
  guard_.stop();
  guard_.go_on();
  EXPECT_FALSE(guard_.is_watching());
}

TEST_F(ReloadGuardTest, IsReplacedAndStopped) {
  guard_.start(5s);
  answer(9, http::Reason::kUpstreamClosed);
  guard_.start(10s);
  pass(6s);
  EXPECT_EQ(worse_, "");
  EXPECT_EQ(kept_, 0);
  guard_.stop();
  EXPECT_FALSE(guard_.is_watching());
  pass(20s);
  EXPECT_EQ(kept_, 0);
}

}  // namespace
}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
// What is different on a callback route: an answer is whole or the platform's form of failure, in time, whatever the
// server does; and a notice that was received whole reaches the server even when its client does not wait.
#include <gtest/gtest.h>

#include <utility>

#include "action/proxy_answer.h"
#include "action/proxy_run.h"
#include "base/log.h"
#include "support/forwarding.h"

namespace viaduct::action {
namespace {

using namespace std::chrono_literals;
using http::BodyKind;
using support::kOkResponse;
using support::ScriptedConnection;
using support::ScriptedServer;

class ProxyCallbackTest : public support::ForwardingTest {
 protected:
  void SetUp() override { ASSERT_TRUE(base::log_open({.file = directory_ / "error.log"}).has_value()); }
  void TearDown() override { ASSERT_TRUE(base::log_open({}).has_value()); }

  // A callback route to these servers, 4.5 s in all.
  void call_back(std::vector<config::Server> servers) {
    forward_to(std::move(servers));
    route().callback = config::CallbackProvider::kWechatPayV3;
    route().timeouts = {.connect = 1s, .send = 3s, .read = 10s, .total = 4500ms};
  }
  // A notice that has come whole.
  Call& notify(std::string_view body = "notice") {
    Call& call = scene_.call({.method = "POST", .body = {BodyKind::kSized, body.size()}});
    call.send_body(body, true);
    return call;
  }
  Call& notify_and_wait(ScriptedServer& server) {
    Call& call = notify();
    EXPECT_TRUE(until_received(server, "notice"));
    return call;
  }
  void expect_failure(const Call& call, http::Reason reason) {
    EXPECT_EQ(call.response.status, 500);
    EXPECT_EQ(call.response.body,
              R"({"code":"FAIL","message":")" + std::string(http::reason_sentence(reason)) + R"("})");
    EXPECT_TRUE(call.response.is_complete);
    EXPECT_FALSE(call.response.is_reset);
  }
  // What the lines with the word late say behind their request ids, joined by "|".
  std::string late_lines() {
    EXPECT_TRUE(base::log_open({.file = directory_ / "next.log"}).has_value());
    std::string lines;
    const std::string log = support::file_bytes(directory_ / "error.log");
    for (std::size_t at = log.find(" late request_id="); at != std::string::npos;
         at = log.find(" late request_id=", at + 1)) {
      const std::size_t begin = log.find(" route=", at) + 1;
      const std::size_t end = log.find(" upstream=", at);
      lines += (lines.empty() ? "" : "|") + log.substr(begin, end - begin);
    }
    return lines;
  }
  bool until_nothing_runs() {
    return scene_.run_until([&] { return scene_.alive() == 0; });
  }

  support::TemporaryDirectory directory_;
};

// ---- whole answers --------------------------------------------------------------------------------------------------

TEST_F(ProxyCallbackTest, PassesAWholeAnswerAsItIs) {
  struct Row {
    std::string_view sent;
    int status;
    BodyKind kind;
    std::string_view body;
  };
  for (const Row& row : {
           Row{"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsuccess", 200, BodyKind::kSized, "success"},
           Row{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, BodyKind::kSized, ""},
           Row{"HTTP/1.1 204 No Content\r\n\r\n", 204, BodyKind::kNone, ""},
           Row{"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno", 401, BodyKind::kSized, "no"},
           Row{"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 302, BodyKind::kSized, ""},
           Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, BodyKind::kStream,
               "abc"},
           Row{"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 500, BodyKind::kStream, ""},
       }) {
    support::ExchangeScene scene("${status} ${reason}");
    ScriptedServer server(scene.loop);
    scene.config.upstreams.emplace_back().servers = {server.config()};
    scene.add_route().action = std::make_unique<ProxyAction>(0);
    scene.site().routes.back().callback = config::CallbackProvider::kWechatPayV3;
    Call& call = scene.call({.method = "POST"});
    scene.run_until([&] { return !server.connections.empty() && server.last().received.ends_with("\r\n\r\n"); });
    server.last().send(row.sent);
    scene.run_until([&] { return call.response.is_complete; });
    EXPECT_EQ(call.response.status, row.status) << row.sent;
    EXPECT_EQ(call.response.body_size.kind, row.kind) << row.sent;
    EXPECT_EQ(call.response.body, row.body) << row.sent;
    scene.turn();
    EXPECT_EQ(scene.log(), std::to_string(row.status) + " -");
  }
}

TEST_F(ProxyCallbackTest, AnswersHeadAndPassesTrailers) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  Call& head = scene_.call({.method = "HEAD"});
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  server.last().send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
  wait_answer(head);
  EXPECT_EQ(head.response.field("Content-Length"), "7");
  Call& call = notify_and_wait(server);
  server.last().send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  scene_.turn();
  EXPECT_EQ(call.response.status, 0);
  server.last().send("0\r\nX-Digest: 7\r\n\r\n");
  wait_answer(call);
  EXPECT_EQ(call.response.body, "abc");
  ASSERT_EQ(call.response.trailers.size(), 1u);
}

// ---- half answers ---------------------------------------------------------------------------------------------------

TEST_F(ProxyCallbackTest, MakesAFailureOfAnAnswerThatIsNotWhole) {
  struct Row {
    std::string_view sent;
    http::Reason reason;
  };
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  for (const Row& row : {
           Row{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", http::Reason::kUpstreamTruncated},
           Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", http::Reason::kUpstreamTruncated},
           Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
               http::Reason::kUpstreamInvalidResponse},
           Row{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", http::Reason::kUpstreamTruncated},
           Row{"HTTP/1.1 200 OK\r\nContent-", http::Reason::kUpstreamClosed},
           Row{"garbage\r\n\r\n", http::Reason::kUpstreamInvalidResponse},
       }) {
    Call& call = notify_and_wait(server);
    server.last().send(row.sent);
    scene_.turn();
    server.last().finish();
    wait_answer(call);
    expect_failure(call, row.reason);
    EXPECT_EQ(last_line(), "500 " + std::string(http::reason_name(row.reason)) + " 1") << row.sent;
  }
  EXPECT_EQ(late_lines(), "");
}

TEST_F(ProxyCallbackTest, HoldsAnAnswerAtItsBoundAndCutsOnlyBeyond) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  for (const std::size_t bytes : {ProxyAnswer::kHeldBytesMax, ProxyAnswer::kHeldBytesMax + 1}) {
    Call& call = notify_and_wait(server);
    server.last().send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(bytes + 1) + "\r\n\r\n" +
                       std::string(bytes, 'x'));
    scene_.run_until([&] { return server.last().has_sent_all(); });
    server.last().finish();
    wait_answer(call);
    const bool is_held = bytes <= ProxyAnswer::kHeldBytesMax;
    EXPECT_EQ(call.response.is_reset, !is_held);
    EXPECT_EQ(last_line(), is_held ? "500 upstream_truncated 1" : "200 upstream_truncated 1");
  }
}

TEST_F(ProxyCallbackTest, StreamsALongAnswerWithBackpressure) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  scene_.drains = false;
  Call& call = notify_and_wait(server);
  const std::string body(8 * 1024 * 1024, 'y');
  server.last().send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  for (int turns = 0; turns < 500; ++turns) scene_.turn();
  EXPECT_FALSE(server.last().has_sent_all());
  EXPECT_LE(scene_.loop.chunks().chunks_in_use(), ProxyAnswer::kHeldBytesMax / base::Chunk::kBytes + 48);
  scene_.drains = true;
  wait_answer(call);
  EXPECT_TRUE(call.response.body == body);
}

// ---- in time --------------------------------------------------------------------------------------------------------

TEST_F(ProxyCallbackTest, FailsInTimeWhileTheBodyIsStillComingAndSendsNothingOfIt) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  Call& call = scene_.call({.method = "POST", .body = {BodyKind::kSized, 6}});
  call.send_body("not", false);
  scene_.pass(4490ms);
  EXPECT_EQ(call.response.status, 0);
  scene_.pass(20ms);
  expect_failure(call, http::Reason::kBodyTimeout);
  EXPECT_EQ(call.response.field("Connection"), "close");
  EXPECT_EQ(last_line(), "500 body_timeout 0");
  ASSERT_TRUE(until_nothing_runs());
  EXPECT_TRUE(server.connections.empty());
  EXPECT_EQ(support::file_bytes(directory_ / "error.log").find("upstream_failed"), std::string::npos);
  EXPECT_EQ(late_lines(), "");
}

TEST_F(ProxyCallbackTest, FailsInTimeWhileItConnects) {
  const support::SilentPort silent;
  call_back({silent.config()});
  route().timeouts.connect.reset();
  Call& call = notify();
  scene_.pass(4510ms);
  expect_failure(call, http::Reason::kUpstreamTotalTimeout);
  EXPECT_TRUE(scene_.has_run_on());
  scene_.pass(10'010ms);
  EXPECT_EQ(late_lines(), "route=all reason=upstream_total_timeout late_ms=10010");
}

TEST_F(ProxyCallbackTest, FailsInTimeWhileItWaitsAndLogsTheAnswerThatComesLate) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  Call& call = notify_and_wait(server);
  scene_.pass(4510ms);
  expect_failure(call, http::Reason::kUpstreamTotalTimeout);
  EXPECT_EQ(last_line(), "500 upstream_total_timeout 1") << "the line is written when the client has its answer";
  EXPECT_EQ(scene_.upstream().server(0).state().requests.load(), 1u);
  scene_.pass(1s);
  server.last().send(kOkResponse);
  ASSERT_TRUE(until_nothing_runs());
  EXPECT_EQ(late_lines(), "route=all status=200 late_ms=1000");
  EXPECT_EQ(scene_.log(), "500 upstream_total_timeout 1");
  EXPECT_TRUE(server.last().is_open() && !server.last().is_ended) << "the connection is kept";
}

TEST_F(ProxyCallbackTest, FailsInTimeInTheMiddleOfAnAnswerThatIsHeld) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  Call& call = notify_and_wait(server);
  server.last().send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsucc");
  scene_.pass(4510ms);
  expect_failure(call, http::Reason::kUpstreamTotalTimeout);
  server.last().send("ess");
  ASSERT_TRUE(until_nothing_runs());
  EXPECT_EQ(late_lines(), "route=all status=200 late_ms=0");
}

// The failure form is on its way to a slow client when the answer comes.
TEST_F(ProxyCallbackTest, EndsOnceWhereTheLateAnswerComesBeforeOurOwnHasLeft) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  Call& call = notify_and_wait(server);
  support::settle(scene_.loop);
  scene_.clock.advance(4510ms);
  scene_.loop.timers().advance(scene_.clock.mono_now());
  EXPECT_EQ(call.response.status, 500);
  server.last().send(kOkResponse);
  support::settle(scene_.loop);
  EXPECT_EQ(scene_.log(), "") << "the client's exchange goes on";
  scene_.turn();
  EXPECT_EQ(scene_.log(), "500 upstream_total_timeout 1");
  EXPECT_EQ(scene_.alive(), 0u);
  EXPECT_EQ(late_lines(), "route=all status=200 late_ms=0");
}

// ---- the client is gone ---------------------------------------------------------------------------------------------

TEST_F(ProxyCallbackTest, GivesUpARequestThatDidNotComeWhole) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  Call& collecting = scene_.call({.method = "POST", .body = {BodyKind::kSized, 6}});
  collecting.send_body("not", false);
  collecting.go_away();
  EXPECT_TRUE(server.connections.empty());
  Call& streaming = scene_.call({.method = "POST", .body = {BodyKind::kSized, ProxyRun::kCollectedBytesMax + 1}});
  streaming.send_body("not", false);
  ASSERT_TRUE(until_received(server, "not"));
  streaming.go_away();
  EXPECT_TRUE(scene_.run_until([&] { return server.last().is_reset; })) << "it must not look like a whole one";
  EXPECT_EQ(scene_.alive(), 0u);
  EXPECT_EQ(scene_.log(), "499 client_closed 0|499 client_closed 1");
  EXPECT_EQ(late_lines(), "");
}

TEST_F(ProxyCallbackTest, ConnectsAndSendsTheWholeNoticeForAClientThatIsGone) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  Call& call = notify();
  call.go_away();
  EXPECT_EQ(scene_.log(), "499 client_closed 0");
  ASSERT_TRUE(until_received(server, "notice"));
  server.last().send("HTTP/1.1 204 No Content\r\n\r\n");
  ASSERT_TRUE(until_nothing_runs());
  EXPECT_EQ(late_lines(), "route=all status=204 late_ms=0");
}

TEST_F(ProxyCallbackTest, FinishesALongBodyThatHasComeWhole) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  route().body_limit.reset();
  const std::string body(200'000, 'x');
  Call& call = scene_.call({.method = "POST", .body = {BodyKind::kSized, body.size()}});
  scene_.run_until([&] { return !server.connections.empty(); });
  server.last().set_reading(false);
  call.send_body(body, true);
  scene_.turn();
  call.go_away();
  server.last().set_reading(true);
  scene_.run_until([&] { return server.last().received.size() > body.size(); });
  server.last().send(kOkResponse);
  ASSERT_TRUE(until_nothing_runs());
  EXPECT_TRUE(server.last().received.ends_with(body));
  EXPECT_EQ(late_lines(), "route=all status=200 late_ms=0");
}

TEST_F(ProxyCallbackTest, SendsANoticeAgainForAClientThatIsGoneAsForAnyOther) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  warm_up(server);
  Call& call = notify_and_wait(server);
  call.go_away();
  server.last().close();
  scene_.run_until([&] { return server.connections.size() == 2; });
  ASSERT_TRUE(until_received(server, "notice"));
  server.last().send(kOkResponse);
  ASSERT_TRUE(until_nothing_runs());
  EXPECT_EQ(late_lines(), "route=all status=200 late_ms=0");
}

TEST_F(ProxyCallbackTest, LogsTheFailureThatComesLateInOneLine) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  Call& dying = notify_and_wait(server);
  dying.go_away();
  server.last().close();
  ASSERT_TRUE(until_nothing_runs());
  Call& silent = notify_and_wait(server);
  silent.go_away();
  scene_.pass(10'010ms);
  ASSERT_TRUE(until_nothing_runs());
  Call& half = notify_and_wait(server);
  server.last().send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsucc");
  scene_.turn();
  half.go_away();
  server.last().finish();
  ASSERT_TRUE(until_nothing_runs());
  const std::string log = support::file_bytes(directory_ / "error.log");
  EXPECT_EQ(log.find("upstream_failed"), std::string::npos) << log;
  const std::string lines = late_lines();
  EXPECT_TRUE(lines.starts_with("route=all reason=upstream_closed late_ms=0|")) << lines;
  EXPECT_TRUE(lines.ends_with("|route=all status=200 reason=upstream_truncated late_ms=0")) << lines;
}

TEST_F(ProxyCallbackTest, WaitsForALateAnswerNoLongerThanForAnyOther) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  Call& call = notify_and_wait(server);
  server.last().send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  scene_.turn();
  call.go_away();
  for (int i = 0; i < 4; ++i) {
    server.last().send("x");
    scene_.pass(2400ms);
    EXPECT_TRUE(scene_.has_run_on());
  }
  server.last().send("x");
  scene_.pass(1s);
  ASSERT_TRUE(until_nothing_runs());
  EXPECT_TRUE(late_lines().starts_with("route=all status=200 reason=upstream_total_timeout late_ms=")) << late_lines();
}

TEST_F(ProxyCallbackTest, EndsAtOnceWhenTheWorkerDoes) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  notify_and_wait(server).go_away(http::Reason::kServerDraining);
  EXPECT_TRUE(scene_.has_run_on());
  scene_.stop_run_on();
  scene_.turn();
  EXPECT_EQ(scene_.alive(), 0u);
  EXPECT_EQ(scene_.log(), "499 server_draining 1");
  EXPECT_EQ(late_lines(), "route=all reason=server_draining late_ms=0");
}

// It went out whole, and whoever it was for turns out to have gone before it arrived.
TEST_F(ProxyCallbackTest, TellsOfAWholeAnswerThatReachedNobody) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  Call& call = notify_and_wait(server);
  server.last().send(kOkResponse);
  scene_.run_until([&] { return call.exchange == nullptr || call.response.is_complete; });
  call.go_away();
  ASSERT_TRUE(until_nothing_runs());
  EXPECT_EQ(scene_.log(), "499 client_closed 1");
  EXPECT_EQ(late_lines(), "route=all status=200 late_ms=0");
}

// The answer has begun to stream, so that nothing but a cut can tell the client; the server is heard to the end.
TEST_F(ProxyCallbackTest, RunsOnBehindAnAnswerThatStreams) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  scene_.drains = false;
  Call& call = notify_and_wait(server);
  const std::string body(16 * 1024 * 1024, 'y');
  server.last().send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  scene_.run_until([&] { return call.response.status == 200; });
  for (int turns = 0; turns < 50; ++turns) scene_.turn();
  ASSERT_FALSE(server.last().has_sent_all());
  call.go_away();
  ASSERT_TRUE(until_nothing_runs());
  EXPECT_EQ(scene_.log(), "200 client_closed 1");
  EXPECT_EQ(late_lines(), "route=all status=200 late_ms=0");
  EXPECT_EQ(scene_.loop.chunks().chunks_in_use(), 0u);
}

TEST_F(ProxyCallbackTest, GivesUpOnOrdinaryRoutes) {
  ScriptedServer server(scene_.loop);
  call_back({server.config()});
  route().callback = config::CallbackProvider::kNone;
  notify_and_wait(server).go_away();
  EXPECT_EQ(scene_.alive(), 0u);
  EXPECT_EQ(late_lines(), "");
}

}  // namespace
}  // namespace viaduct::action

// SPDX-License-Identifier: Apache-2.0
// Exchanges over an upstream that speaks HTTP/2: side by side on one connection, by turns, and sent again where the
// server says that it has not begun.
#include <gtest/gtest.h>

#include <deque>

#include "action/proxy_run.h"
#include "support/forwarding.h"
#include "support/h2_scripted_server.h"

namespace viaduct::action {
namespace {

using namespace std::chrono_literals;
using http::BodyKind;
using support::h2_answer;
using support::h2_data;
using support::h2_goaway;
using support::h2_headers;
using support::h2_ok;
using support::h2_reset;
using support::H2ServerEnd;
using support::kH2End;

class ProxyRunH2Test : public support::ForwardingTest {
 protected:
  ProxyRunH2Test() {
    forward_to({server_.server.config()});
    scene_.config.upstreams[0].http2 = true;
  }
  // Waits until the newest connection has brought `count` whole requests.
  bool until_asked(std::size_t count) {
    return scene_.run_until([&] { return !server_.ends.empty() && server_.last().whole.size() >= count; });
  }
  // Waits until the newest connection has brought a request's head.
  bool until_head() {
    return scene_.run_until(
        [&] { return !server_.ends.empty() && server_.last().text().find("HEADERS") != std::string::npos; });
  }
  // A dialogue that was silent for a minute, and in which the client has said all; timeouts.read is 4 s.
  Call& end_dialogue(const std::string& type) {
    route().timeouts.read = 4s;
    Call& call = scene_.call({.method = "POST", .body = {BodyKind::kStream}});
    EXPECT_TRUE(until_head());
    server_.last().send(h2_answer(1, "200", 0, {{"content-type", type}}));
    EXPECT_TRUE(scene_.run_until([&] { return call.response.status == 200; }));
    scene_.pass(1min);
    call.send_body("x", true);
    EXPECT_TRUE(until_asked(1));
    EXPECT_FALSE(call.response.is_reset);
    return call;
  }
  // The server refuses the first `count` requests that it gets and answers the others.
  void refuse(int count) {
    server_.on_request = [count](H2ServerEnd& end, std::int32_t stream) mutable {
      end.send(count-- > 0 ? h2_reset(stream, NGHTTP2_REFUSED_STREAM) : h2_ok(stream));
    };
  }

  support::H2ScriptedServer server_{scene_.loop};
};

// ---- requests -------------------------------------------------------------------------------------------------------

TEST_F(ProxyRunH2Test, CarriesRequestsThatComeTogetherOnOneConnection) {
  server_.answers = true;
  std::deque<Call*> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(&scene_.call({}));
  for (Call* call : calls) {
    wait_answer(*call);
    EXPECT_EQ(call->response.status, 200);
    EXPECT_EQ(call->response.body, "ok");
  }
  EXPECT_EQ(ask({}).response.status, 200);
  EXPECT_EQ(server_.server.connections.size(), 1u);
}

TEST_F(ProxyRunH2Test, ForwardsHeadBodyTrailersAndAnswer) {
  Call& call = scene_.call({.method = "POST",
                            .target = "/a%20b?x=1",
                            .fields = {{"X-Odd-CASE", "1"}, {"X-Request-ID", "r1"}, {"TE", "gzip"}},
                            .body = {BodyKind::kSized, 5}});
  call.send_body("hello", true);
  ASSERT_TRUE(until_asked(1));
  EXPECT_EQ(server_.last().text(),
            "HEADERS 1 [:method: POST] [:scheme: http] [:authority: host.test] [:path: /a%20b?x=1] [x-odd-case: 1] "
            "[x-request-id: r1] [content-length: 5] [te: trailers] | DATA 1 5 end");
  EXPECT_EQ(server_.last().body(1), "hello");
  server_.last().send(h2_answer(1, "103") + h2_answer(1, "201", 0, {{"x-b", "1"}}) + h2_data(1, "body") +
                      h2_headers(1, {{"x-sum", "7"}}, kH2End));
  wait_answer(call);
  EXPECT_EQ(call.response.informational, std::vector<int>{103});
  EXPECT_EQ(call.response.status, 201);
  EXPECT_EQ(call.response.field("x-b"), "1");
  EXPECT_EQ(call.response.body, "body");
  EXPECT_EQ(call.response.trailers.size(), 1u);
}

// Who waits for the end of the request would wait for ever.
TEST_F(ProxyRunH2Test, BeginsARequestOfUnknownLengthAtOnce) {
  Call& call = scene_.call({.method = "POST", .body = {BodyKind::kStream}});
  ASSERT_TRUE(until_head());
  EXPECT_TRUE(server_.last().whole.empty());
  server_.last().send(h2_answer(1, "200"));
  scene_.run_until([&] { return call.response.status == 200; });
  for (int i = 1; i <= 3; ++i) {
    call.send_body("ask", false);
    scene_.run_until([&] { return server_.last().body(1).size() == 3u * static_cast<std::size_t>(i); });
    server_.last().send(h2_data(1, "say"));
    scene_.run_until([&] { return call.response.body.size() == 3u * static_cast<std::size_t>(i); });
  }
  call.send_trailers({{"x-sum", "1"}});
  ASSERT_TRUE(until_asked(1));
  EXPECT_TRUE(server_.last().text().ends_with("HEADERS 1 [x-sum: 1] end")) << server_.last().text();
  server_.last().send(h2_headers(1, {{"grpc-status", "0"}}, kH2End));
  wait_answer(call);
  EXPECT_EQ(call.response.body, "saysaysay");
  EXPECT_FALSE(call.response.is_reset);
}

// Two sides that talk may be silent for longer than an answer, or a body, may be.
TEST_F(ProxyRunH2Test, LetsADialogueBeSilentForAsLongAsAWebsocket) {
  route().websocket_idle = 20s;
  route().timeouts.read = 4s;
  Call& call = scene_.call({.method = "POST", .body = {BodyKind::kStream}});
  ASSERT_TRUE(until_head());
  EXPECT_FALSE(call.response.is_patient) << "it may be a body like any other";
  server_.last().send(h2_answer(1, "200"));
  ASSERT_TRUE(scene_.run_until([&] { return call.response.status == 200; }));
  EXPECT_TRUE(call.response.is_patient);
  for (int i = 1; i <= 3; ++i) {
    scene_.pass(19s);
    call.send_body("x", false);
    ASSERT_TRUE(scene_.run_until([&] { return server_.last().body(1).size() == static_cast<std::size_t>(i); }));
  }
  scene_.pass(19900ms);
  EXPECT_FALSE(call.response.is_reset);
  scene_.pass(200ms);
  EXPECT_TRUE(call.response.is_reset);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "200 websocket_idle 1");
}

TEST_F(ProxyRunH2Test, HoldsTheAnswerToItsTimeWhenTheDialogueIsOver) {
  Call& call = end_dialogue("text/plain");
  scene_.pass(4100ms);
  EXPECT_TRUE(call.response.is_reset);
}

TEST_F(ProxyRunH2Test, LetsMessagesOfGrpcTakeLongerThanAnAnswer) {
  Call& call = end_dialogue("application/grpc+proto");
  scene_.pass(1min);
  EXPECT_FALSE(call.response.is_reset);
  server_.last().send(h2_data(1, "say", kH2End));
  wait_answer(call);
  EXPECT_EQ(call.response.body, "say");
}

TEST_F(ProxyRunH2Test, AwaitsTheMessagesOfGrpcBeforeThereIsAnAnswer) {
  route().websocket_idle = 20s;
  Call& call =
      scene_.call({.method = "POST", .fields = {{"Content-Type", "application/grpc"}}, .body = {BodyKind::kStream}});
  EXPECT_TRUE(call.response.is_patient);
  ASSERT_TRUE(until_head());
  scene_.pass(19s);
  call.send_body("x", false);
  scene_.pass(19s);
  EXPECT_EQ(call.response.status, 0);
  scene_.pass(2s);
  EXPECT_EQ(call.response.status, 504);
}

TEST_F(ProxyRunH2Test, BoundsADialogueByItsTotalTime) {
  route().timeouts.total = 30s;
  Call& call = scene_.call({.method = "POST", .body = {BodyKind::kStream}});
  ASSERT_TRUE(until_head());
  server_.last().send(h2_answer(1, "200"));
  ASSERT_TRUE(scene_.run_until([&] { return call.response.status == 200; }));
  scene_.pass(29s);
  EXPECT_FALSE(call.response.is_reset);
  scene_.pass(2s);
  EXPECT_TRUE(call.response.is_reset);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "200 upstream_total_timeout 1");
}

TEST_F(ProxyRunH2Test, CollectsAShortBodyFirst) {
  Call& call = scene_.call({.method = "POST", .body = {BodyKind::kSized, 4}});
  call.send_body("bo", false);
  scene_.turn();
  EXPECT_TRUE(server_.server.connections.empty());
  call.send_body("dy", true);
  ASSERT_TRUE(until_asked(1));
  server_.last().send(h2_ok(1));
  wait_answer(call);
  EXPECT_EQ(call.response.status, 200);
}

// A short answer to a long request is whole; the rest of the request is dropped, and the connection goes on.
TEST_F(ProxyRunH2Test, TakesAnAnswerThatComesInTheMiddleOfTheRequest) {
  Call& call = scene_.call({.method = "POST", .body = {BodyKind::kSized, 1'000'000}});
  call.send_body(std::string(10'000, 'x'), false);
  ASSERT_TRUE(until_head());
  server_.last().send(h2_answer(1, "413") + h2_data(1, "no", kH2End));
  wait_answer(call);
  EXPECT_EQ(call.response.status, 413);
  EXPECT_EQ(call.response.body, "no");
  EXPECT_FALSE(call.response.is_reset);
  scene_.run_until([&] { return server_.last().text().ends_with("RST_STREAM 1 NO_ERROR"); });
  server_.answers = true;
  EXPECT_EQ(ask({}).response.status, 200);
  EXPECT_EQ(server_.server.connections.size(), 1u);
}

// ---- sent again -----------------------------------------------------------------------------------------------------

// Whatever the method: the server says that it has done nothing with it.
TEST_F(ProxyRunH2Test, SendsARefusedRequestAgainWithItsBody) {
  refuse(1);
  Call& call = scene_.call({.method = "POST", .body = {BodyKind::kSized, 14}});
  call.send_body("the whole ", false);
  call.send_body("body", true);
  wait_answer(call);
  EXPECT_EQ(call.response.status, 200);
  EXPECT_EQ(last_line(), "200 - 2");
  ASSERT_EQ(server_.ends.size(), 2u) << "on a connection of its own";
  EXPECT_EQ(server_.ends[0]->body(1), "the whole body");
  EXPECT_EQ(server_.ends[1]->body(1), "the whole body");
}

TEST_F(ProxyRunH2Test, SendsARequestAgainThatAGoodbyeLeavesOut) {
  server_.on_request = [this](H2ServerEnd& end, std::int32_t stream) {
    end.send(server_.ends.size() == 1 ? h2_goaway(0) : h2_ok(stream));
  };
  std::deque<Call*> calls;
  for (int i = 0; i < 3; ++i) {
    calls.push_back(&scene_.call({.method = "POST", .body = {BodyKind::kSized, 4}}));
    calls.back()->send_body("body", true);
  }
  for (Call* call : calls) {
    wait_answer(*call);
    EXPECT_EQ(call->response.status, 200);
  }
  EXPECT_EQ(server_.server.connections.size(), 2u) << "they wait for the new one together";
}

TEST_F(ProxyRunH2Test, GivesUpWhereTheServerRefusesAgain) {
  refuse(100);
  Call& call = ask({.method = "POST"});
  EXPECT_EQ(call.response.status, 503);
  EXPECT_EQ(last_line(), "503 upstream_refused_stream 2");
}

TEST_F(ProxyRunH2Test, NeverSendsABodyAgainThatHasStreamed) {
  for (const BodyKind kind : {BodyKind::kSized, BodyKind::kStream}) {
    server_.ends.clear();
    const std::size_t before = server_.server.connections.size();
    const std::size_t size = ProxyRun::kCollectedBytesMax + 1;
    Call& call = scene_.call({.method = "PUT", .body = {kind, kind == BodyKind::kSized ? size : 0}});
    call.send_body("some", false);
    scene_.run_until([&] { return !server_.ends.empty() && !server_.last().body(1).empty(); });
    server_.last().send(h2_reset(1, NGHTTP2_REFUSED_STREAM));
    wait_answer(call);
    EXPECT_EQ(call.response.status, 503);
    EXPECT_EQ(last_line(), "503 upstream_refused_stream 1");
    EXPECT_EQ(server_.server.connections.size(), before + 1);
    server_.last().connection().close();
    scene_.turn();
  }
}

TEST_F(ProxyRunH2Test, GivesUpARefusedRequestThatHasNotEnded) {
  Call& call = scene_.call({.method = "POST", .body = {BodyKind::kStream}});
  ASSERT_TRUE(until_head());
  server_.last().send(h2_reset(1, NGHTTP2_REFUSED_STREAM));
  wait_answer(call);
  EXPECT_EQ(call.response.status, 503);
}

TEST_F(ProxyRunH2Test, NeverSendsAgainWhatTheServerMayHaveBegun) {
  for (const auto& [answer, reason] : std::initializer_list<std::pair<std::string, std::string>>{
           {h2_reset(1, NGHTTP2_CANCEL), "upstream_stream_reset"},
           {h2_reset(1, NGHTTP2_INTERNAL_ERROR), "upstream_stream_reset"},
           {h2_answer(1, "103") + h2_reset(1, NGHTTP2_REFUSED_STREAM), "upstream_truncated"}}) {
    server_.ends.clear();
    Call& call = scene_.call({});
    ASSERT_TRUE(until_asked(1));
    server_.last().send(answer);
    wait_answer(call);
    EXPECT_EQ(call.response.status, 502);
    EXPECT_EQ(last_line(), "502 " + reason + " 1");
    server_.last().connection().close();
    scene_.turn();
  }
}

// ---- failures -------------------------------------------------------------------------------------------------------

TEST_F(ProxyRunH2Test, CutsOneAnswerAndLeavesTheOthers) {
  Call& cut = scene_.call({});
  Call& other = scene_.call({});
  ASSERT_TRUE(until_asked(2));
  server_.last().send(h2_answer(1, "200") + h2_data(1, "half") + h2_reset(1) + h2_ok(3));
  wait_answer(cut);
  wait_answer(other);
  EXPECT_TRUE(cut.response.is_reset);
  EXPECT_EQ(cut.response.body, "half");
  EXPECT_EQ(other.response.body, "ok");
}

TEST_F(ProxyRunH2Test, GivesARequestUpWhoseClientGoes) {
  Call& gone = scene_.call({});
  Call& other = scene_.call({});
  ASSERT_TRUE(until_asked(2));
  gone.go_away();
  scene_.run_until([&] { return server_.last().text().ends_with("RST_STREAM 1 CANCEL"); });
  server_.last().send(h2_ok(3));
  wait_answer(other);
  EXPECT_EQ(other.response.status, 200);
}

TEST_F(ProxyRunH2Test, HoldsEachExchangeToItsReadLimit) {
  Call& call = scene_.call({});
  ASSERT_TRUE(until_asked(1));
  scene_.pass(3990ms);
  EXPECT_EQ(call.response.status, 0);
  scene_.pass(20ms);
  EXPECT_EQ(call.response.status, 504);
  EXPECT_EQ(last_line(), "504 upstream_header_timeout 1");
}

TEST_F(ProxyRunH2Test, ReadsNoFurtherThanItsClientDoes) {
  scene_.drains = false;
  Call& call = scene_.call({});
  ASSERT_TRUE(until_asked(1));
  std::string body;
  for (int i = 0; i < 8; ++i) body += h2_data(1, std::string(16'384, 'x'));
  server_.last().send(h2_answer(1, "200") + body);
  scene_.run_until([&] { return call.response.room == 0; });
  scene_.pass(1h);
  EXPECT_FALSE(call.response.is_reset);
  EXPECT_LE(call.response.body.size(), std::size_t{128} * 1024);
  scene_.drains = true;
  scene_.run_until([&] { return call.response.body.size() == std::size_t{128} * 1024; });
  server_.last().send(h2_data(1, "", kH2End));
  wait_answer(call);
  EXPECT_FALSE(call.response.is_reset);
}

}  // namespace
}  // namespace viaduct::action

// SPDX-License-Identifier: Apache-2.0
// What passes through a proxy run unchanged, what does not pass, and what the log learns on the way.
#include <gtest/gtest.h>

#include "action/proxy_run.h"
#include "support/forwarding.h"

namespace viaduct::action {
namespace {

using namespace std::chrono_literals;
using http::BodyKind;
using support::kOkResponse;
using support::ScriptedServer;

class ProxyPassingTest : public support::ForwardingTest {};

TEST_F(ProxyPassingTest, KeepsTheSpellingOfARequestIdThatItKeeps) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  scene_.call({.fields = {{"x-request-id", "mine"}, {"Accept", "*/*"}}});
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  EXPECT_EQ(server.last().received, "GET / HTTP/1.1\r\nHost: host.test\r\nx-request-id: mine\r\nAccept: */*\r\n\r\n");
}

TEST_F(ProxyPassingTest, TellsTheServerTheRequestIdThatItMade) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = scene_.call({.fields = {{"X-Request-ID", "no id"}, {"X-Request-ID", "twice"}}});
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  EXPECT_EQ(server.last().received, "GET / HTTP/1.1\r\nHost: host.test\r\nX-Request-ID: " +
                                        std::string(call.exchange->request_id()) + "\r\n\r\n");
}

TEST_F(ProxyPassingTest, LeavesFieldsOfTheConnectionBehind) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = scene_.call({.fields = {{"Connection", "X-Hop"},
                                       {"X-Hop", "1"},
                                       {"Keep-Alive", "5"},
                                       {"TE", "trailers"},
                                       {"Expect", "100-continue"},
                                       {"X-Request-ID", "id"}}});
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  EXPECT_EQ(server.last().received, "GET / HTTP/1.1\r\nHost: host.test\r\nX-Request-ID: id\r\n\r\n");
  server.last().send(
      "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Kept: 2\r\nContent-Length: "
      "0\r\n\r\n");
  wait_answer(call);
  EXPECT_FALSE(call.response.has("Connection"));
  EXPECT_FALSE(call.response.has("X-Hop"));
  EXPECT_FALSE(call.response.has("Keep-Alive"));
  EXPECT_EQ(call.response.field("X-Kept"), "2");
}

// RFC 9112 §3.2: what HTTP/1.0 may leave out, HTTP/1.1 must say, to every server its own.
TEST_F(ProxyPassingTest, NamesTheSiteToServersWhereTheClientNamedNone) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  server.on_bytes = [](support::ScriptedConnection& connection) { connection.send(kOkResponse); };
  EXPECT_EQ(ask({.authority = "", .version = http::Version::kHttp10}).response.status, 200);
  EXPECT_NE(server.last().received.find("\r\nHost: host.test\r\n"), std::string::npos) << server.last().received;
}

TEST_F(ProxyPassingTest, NamesTheFirstHostOfTheSiteThatIsAName) {
  ScriptedServer server(scene_.loop);
  server.on_bytes = [](support::ScriptedConnection& connection) { connection.send(kOkResponse); };
  forward_to({server.config()});
  scene_.site().hosts = {"*.test", "first.test", "second.test"};
  EXPECT_EQ(ask({.authority = "", .version = http::Version::kHttp10}).response.status, 200);
  EXPECT_NE(server.last().received.find("\r\nHost: first.test\r\n"), std::string::npos) << server.last().received;
}

// To some programs their own name is the sign of a local call.
TEST_F(ProxyPassingTest, LendsTheNameOfAServerToNobody) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  scene_.site().hosts = {"*.test"};
  EXPECT_EQ(ask({.authority = "", .version = http::Version::kHttp10}).response.status, 400);
  scene_.turn();
  EXPECT_TRUE(server.connections.empty());
  EXPECT_EQ(scene_.log(), "400 missing_host 0");
}

TEST_F(ProxyPassingTest, PassesTheAuthorityOfTheTargetAsHost) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  // GET http://host.test/ with another Host (RFC 9112 §3.2.2).
  scene_.call({.fields = {{"Host", "other.test"}, {"X-Request-ID", "id"}}, .authority = "host.test"});
  ASSERT_TRUE(until_received(server, "\r\n\r\n"));
  EXPECT_EQ(server.last().received, "GET / HTTP/1.1\r\nHost: host.test\r\nX-Request-ID: id\r\n\r\n");
}

TEST_F(ProxyPassingTest, PassesChunkedBodiesChunkedWithTheirTrailers) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = scene_.call({.method = "POST", .fields = {{"X-Request-ID", "id"}}, .body = {BodyKind::kStream}});
  call.send_body("hello", false);
  call.send_trailers({{"X-Digest", "7"}, {"Authorization", "smuggled"}});
  ASSERT_TRUE(until_received(server, "X-Digest: 7\r\n\r\n"));
  EXPECT_EQ(server.last().received,
            "POST / HTTP/1.1\r\nHost: host.test\r\nX-Request-ID: id\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\nhello\r\n0\r\nX-Digest: 7\r\n\r\n");
}

TEST_F(ProxyPassingTest, CollectsAShortBodyAndStreamsALongOne) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  struct Row {
    http::BodySize body;
    std::size_t sent;
    bool is_connected;  // before the body has ended
  };
  constexpr std::size_t kLimit = ProxyRun::kCollectedBytesMax;
  for (const Row& row :
       {Row{{BodyKind::kSized, kLimit}, kLimit - 1, false}, Row{{BodyKind::kSized, kLimit + 1}, 0, true},
        Row{{BodyKind::kStream}, kLimit, false}, Row{{BodyKind::kStream}, kLimit + 1, true}}) {
    const std::size_t before = server.connections.size();
    Call& call = scene_.call({.method = "POST", .body = row.body});
    if (row.sent > 0) call.send_body(std::string(row.sent, 'x'), false);
    for (int i = 0; i < 5; ++i) scene_.turn();
    EXPECT_EQ(server.connections.size() > before, row.is_connected) << row.sent;
    call.go_away();
  }
}

TEST_F(ProxyPassingTest, WantsNoLongBodyBeforeAServerIsThere) {
  const support::SilentPort silent;
  forward_to({silent.config()});
  Call& call = scene_.call({.method = "POST", .body = {BodyKind::kSized, 1'000'000}});
  scene_.turn();
  EXPECT_FALSE(call.response.is_reading) << "this is what Expect: 100-continue waits for";
}

TEST_F(ProxyPassingTest, PassesAnAnswerThatComesBeforeTheRequestHasEnded) {
  ScriptedServer server(scene_.loop);
  forward_to({server.config()});
  Call& call = scene_.call({.method = "POST", .body = {BodyKind::kSized, 1'000'000}});
  scene_.run_until([&] { return call.response.is_reading; });
  call.send_body("some", false);
  ASSERT_TRUE(until_received(server, "some"));
  server.last().send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nstop");
  server.last().finish();
  wait_answer(call);
  EXPECT_EQ(call.response.status, 413);
  EXPECT_EQ(call.response.body, "stop");
  if (call.exchange != nullptr && !call.exchange->is_over()) call.send_body("more", false);
  EXPECT_EQ(last_line(), "413 - 1");
}

TEST_F(ProxyPassingTest, PassesAnswersOfEveryFraming) {
  struct Row {
    std::string_view method;
    std::string_view sent;
    int status;
    http::BodySize size;
    std::string_view body;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, {BodyKind::kSized, 3}, "abc"},
           {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, {BodyKind::kSized, 0}, ""},
           {"GET",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            200,
            {BodyKind::kStream, 0},
            "abc"},
           {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, {BodyKind::kStream, 0}, ""},
           {"GET", "HTTP/1.0 200 OK\r\n\r\nabc", 200, {BodyKind::kStream, 0}, "abc"},
           {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200, {BodyKind::kNone, 0}, ""},
           {"GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, {BodyKind::kNone, 0}, ""},
           {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", 304, {BodyKind::kNone, 0}, ""},
           {"POST", "HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", 599, {BodyKind::kSized, 0}, ""},
       }) {
    support::ExchangeScene scene;
    ScriptedServer server(scene.loop);
    scene.config.upstreams.emplace_back().servers = {server.config()};
    scene.add_route().action = std::make_unique<ProxyAction>(0);
    Call& call = scene.call({.method = row.method});
    scene.run_until([&] { return !server.connections.empty() && !server.last().received.empty(); });
    server.last().send(row.sent);
    if (row.sent.starts_with("HTTP/1.0")) server.last().finish();
    scene.run_until([&] { return call.response.is_complete; });
    EXPECT_EQ(call.response.status, row.status) << row.sent;
    EXPECT_EQ(call.response.body_size, row.size) << row.sent;
    EXPECT_EQ(call.response.body, row.body) << row.sent;
  }
}

TEST_F(ProxyPassingTest, UsesOneConnectionForOneRequestAfterAnother) {
  ScriptedServer server(scene_.loop);
  server.answer_all(std::string(kOkResponse));
  forward_to({server.config()});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ask({.method = "POST"}).response.status, 200);
    scene_.turn();
  }
  EXPECT_EQ(server.connections.size(), 1u);
  EXPECT_EQ(server.answered(), 10);
  EXPECT_EQ(scene_.upstream().server(0).state().requests.load(), 0u);
}

class ProxyLogTest : public testing::Test {};

TEST_F(ProxyLogTest, TellsWhoAnsweredAndHowLongEachStepTook) {
  support::ExchangeScene scene(
      "${upstream} ${server} ${attempts} wait=${wait_ms} connect=${connect_ms} tls=${tls_ms} "
      "header=${upstream_header_ms} all=${upstream_ms}");
  ScriptedServer server(scene.loop);
  scene.config.upstreams.emplace_back().name = "app";
  scene.config.upstreams[0].servers = {server.config()};
  scene.add_route().action = std::make_unique<ProxyAction>(0);
  for (int i = 0; i < 2; ++i) {
    auto& call = scene.call({});
    scene.run_until([&] { return !server.connections.empty() && !server.last().received.empty(); });
    scene.pass(200ms);
    server.last().send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    scene.run_until([&] { return call.response.status == 200; });
    scene.pass(300ms);
    server.last().send("ok");
    scene.run_until([&] { return call.response.is_complete; });
    server.last().received.clear();
    scene.turn();
  }
  const std::string name = "127.0.0.1:" + std::to_string(server.address().port());
  EXPECT_EQ(scene.log(), "app " + name + " 1 wait=0.000 connect=0.000 tls=- header=200.000 all=500.000|app " + name +
                             " 1 wait=0.000 connect=- tls=- header=200.000 all=500.000");
}

}  // namespace
}  // namespace viaduct::action

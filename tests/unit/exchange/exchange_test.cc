// SPDX-License-Identifier: Apache-2.0
#include "exchange/exchange.h"

#include <gtest/gtest.h>

#include <array>

#include "support/exchange_scene.h"
#include "support/recording_action.h"
#include "support/routing.h"

namespace viaduct::exchange {
namespace {

using http::BodyKind;
using http::Reason;
using support::ActionScript;
using support::ExchangeScene;
using Call = ExchangeScene::Call;

class ExchangeTest : public testing::Test {
 protected:
  // A route for every path, whose action does what `script` says.
  RoutePlan& add_route() {
    RoutePlan& plan = scene_.add_route();
    plan.action = std::make_unique<support::RecordingAction>(script_);
    return plan;
  }
  RoutePlan& add_route(config::Route route) {
    RoutePlan& plan = scene_.add_route(std::move(route));
    plan.action = std::make_unique<support::RecordingAction>(script_);
    return plan;
  }
  config::Route& last_route() { return scene_.site().routes.back(); }

  ActionScript script_;
  ExchangeScene scene_;
};

// ---- the request id -------------------------------------------------------------------------------------------------

TEST_F(ExchangeTest, KeepsARequestIdOfTheRightForm) {
  add_route();
  for (const std::string& id : {std::string("a"), std::string("0Az._-9"), std::string(128, 'x')}) {
    Call& call = scene_.call({.fields = {{"X-Request-ID", id}}});
    EXPECT_EQ(call.response.field("X-Request-ID"), id);
    EXPECT_EQ(call.exchange->request_id(), id);
  }
}

TEST_F(ExchangeTest, MakesARequestIdInsteadOfAnyOther) {
  add_route();
  for (const std::string& id : {std::string(), std::string(129, 'x'), std::string("a b"), std::string("a\"b"),
                                std::string("a/b"), std::string("\xe6\x94\xaf"), std::string("a,b")}) {
    Call& call = scene_.call({.fields = {{"X-Request-ID", id}}});
    const std::string made = call.response.field("X-Request-ID");
    EXPECT_EQ(made.size(), base::RequestId::kLength) << id;
    EXPECT_EQ(made, call.exchange->request_id());
  }
  Call& twice = scene_.call({.fields = {{"X-Request-ID", "a"}, {"X-Request-ID", "b"}}});
  EXPECT_EQ(twice.response.field("X-Request-ID").size(), base::RequestId::kLength);
  Call& none = scene_.call({});
  EXPECT_EQ(none.response.field("X-Request-ID").size(), base::RequestId::kLength);
  EXPECT_NE(none.response.field("X-Request-ID"), twice.response.field("X-Request-ID"));
}

TEST_F(ExchangeTest, AnswersWithItsOwnRequestIdWhateverTheActionSays) {
  script_.answer_fields = {{"x-request-id", "of-the-upstream"}, {"X-Request-ID", "again"}};
  add_route();
  Call& call = scene_.call({.fields = {{"X-Request-ID", "mine"}}});
  EXPECT_EQ(call.response.field("X-Request-ID"), "mine");
}

// ---- filters and action ---------------------------------------------------------------------------------------------

// Writes down when it is asked.
class TracingFilter final : public Filter {
 public:
  TracingFilter(std::string name, std::vector<std::string>& trace, Reason refuses = Reason::kNone)
      : name_(std::move(name)), trace_(trace), refuses_(refuses) {}

  FilterVerdict on_request(Exchange& exchange) const override {
    trace_.push_back("request " + name_);
    if (refuses_ == Reason::kNone) return FilterVerdict::kContinue;
    exchange.fail(refuses_);
    return FilterVerdict::kAnswered;
  }
  void on_response(Exchange&, http::ResponseHead& head) const override {
    trace_.push_back("response " + name_ + " " + std::to_string(head.status));
  }

 private:
  std::string name_;
  std::vector<std::string>& trace_;
  Reason refuses_;
};

TEST_F(ExchangeTest, RunsFiltersInOrderAndBackwardsForTheAnswer) {
  std::vector<std::string> trace;
  RoutePlan& plan = add_route();
  plan.filters.push_back(std::make_unique<TracingFilter>("a", trace));
  plan.filters.push_back(std::make_unique<TracingFilter>("b", trace));
  scene_.call({});
  EXPECT_EQ(trace, (std::vector<std::string>{"request a", "request b", "response b 200", "response a 200"}));
}

TEST_F(ExchangeTest, EndsAtTheFilterThatAnswers) {
  std::vector<std::string> trace;
  RoutePlan& plan = add_route();
  plan.filters.push_back(std::make_unique<TracingFilter>("a", trace));
  plan.filters.push_back(std::make_unique<TracingFilter>("b", trace, Reason::kAddressNotAllowed));
  plan.filters.push_back(std::make_unique<TracingFilter>("c", trace));
  Call& call = scene_.call({});
  EXPECT_EQ(call.response.status, 403);
  EXPECT_EQ(script_.begun, 0);
  EXPECT_EQ(trace,
            (std::vector<std::string>{"request a", "request b", "response c 403", "response b 403", "response a 403"}));
}

TEST_F(ExchangeTest, TakesHopByHopFieldsAwayBeforeTheFirstFilter) {
  add_route();
  scene_.call({.fields = {{"Connection", "X-Trick, close"}, {"X-Trick", "1"}, {"TE", "trailers"}, {"X-Kept", "2"}}});
  EXPECT_EQ(script_.field("Connection"), "(none)");
  EXPECT_EQ(script_.field("X-Trick"), "(none)");
  EXPECT_EQ(script_.field("TE"), "(none)");
  EXPECT_EQ(script_.field("X-Kept"), "2");
}

TEST_F(ExchangeTest, HandsTheBodyOverAsItComes) {
  script_.status = 0;
  script_.reads = true;
  add_route();
  Call& call = scene_.call({.method = "POST", .body = {.kind = BodyKind::kStream}});
  EXPECT_FALSE(script_.has_no_body);
  EXPECT_TRUE(call.response.is_reading);
  call.send_body("ab", false);
  call.send_body("cd", false);
  call.send_trailers({{"Digest", "x"}});
  EXPECT_EQ(script_.request_body, "abcd");
  EXPECT_EQ(script_.request_trailers, 1);
  EXPECT_FALSE(script_.request_ended);
}

TEST_F(ExchangeTest, TellsTheActionWhenThereIsRoomInTheMiddleOfTheAnswerAlone) {
  script_.status = 0;
  add_route();
  Call& call = scene_.call({});
  call.make_room(1);
  EXPECT_EQ(script_.writable_events, 0);
  call.exchange->send_head(call.exchange->new_head(200), false);
  call.make_room(1);
  EXPECT_EQ(script_.writable_events, 1);
  EXPECT_EQ(call.exchange->writable_bytes(), 1u);
  base::Buffer nothing(scene_.loop.chunks());
  call.exchange->send_body(nothing, true);
  call.make_room(2);
  EXPECT_EQ(script_.writable_events, 1);
}

TEST_F(ExchangeTest, SendsInterimResponsesBeforeTheAnswerAlone) {
  script_.status = 0;
  add_route();
  Call& call = scene_.call({});
  Exchange& exchange = *call.exchange;
  exchange.send_informational(exchange.new_head(103));
  EXPECT_FALSE(exchange.is_answering());
  exchange.send_head(exchange.new_head(200), false);
  EXPECT_TRUE(exchange.is_answering());
  exchange.send_informational(exchange.new_head(103));
  EXPECT_EQ(call.response.informational, std::vector<int>{103});
}

// ---- limits ---------------------------------------------------------------------------------------------------------

TEST_F(ExchangeTest, HoldsTheLimitOfABodyWhoseLengthIsSaid) {
  add_route();
  last_route().body_limit = 100;
  struct Row {
    std::uint64_t bytes;
    int status;
  };
  for (const Row& row : {Row{0, 200}, Row{99, 200}, Row{100, 200}, Row{101, 413}, Row{std::uint64_t{1} << 62, 413}}) {
    const int begun = script_.begun;
    Call& call = scene_.call({.method = "POST", .body = {.kind = BodyKind::kSized, .bytes = row.bytes}});
    EXPECT_EQ(call.response.status, row.status) << row.bytes;
    EXPECT_EQ(script_.begun - begun, row.status == 200 ? 1 : 0) << row.bytes;
  }
}

TEST_F(ExchangeTest, HoldsTheLimitOfABodyThatStreams) {
  struct Row {
    std::vector<std::size_t> pieces;
    int status;  // 0: none yet
  };
  script_.status = 0;
  script_.reads = true;
  add_route();
  last_route().body_limit = 100;
  for (const Row& row : {Row{{99}, 0}, Row{{100}, 0}, Row{{101}, 413}, Row{{50, 50}, 0}, Row{{50, 51}, 413},
                         Row{{100, 0}, 0}, Row{{100, 1}, 413}}) {
    script_.request_body.clear();
    Call& call = scene_.call({.method = "POST", .body = {.kind = BodyKind::kStream}});
    for (const std::size_t size : row.pieces) call.send_body(std::string(size, 'x'), false);
    EXPECT_EQ(call.response.status, row.status) << testing::PrintToString(row.pieces);
    EXPECT_LE(script_.request_body.size(), 100u);
    EXPECT_EQ(script_.is_over, row.status == 413);
    script_.is_over = false;
  }
}

TEST_F(ExchangeTest, HasNoBodyLimitWhereTheConfigHasNone) {
  script_.reads = true;
  add_route();
  last_route().body_limit.reset();
  EXPECT_EQ(scene_.call({.method = "POST", .body = {.kind = BodyKind::kSized, .bytes = std::uint64_t{1} << 62}})
                .response.status,
            200);
}

TEST_F(ExchangeTest, CutsTheAnswerWhenABodyGrowsTooLongInTheMiddleOfIt) {
  script_.status = 0;
  script_.reads = true;
  add_route();
  last_route().body_limit = 10;
  Call& call = scene_.call({.method = "POST", .body = {.kind = BodyKind::kStream}});
  call.exchange->send_head(call.exchange->new_head(200), false);
  call.send_body("0123456789a", false);
  EXPECT_TRUE(call.response.is_reset);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "200 body_too_large");
}

// ---- refusals -------------------------------------------------------------------------------------------------------

constexpr auto kAllReasons = std::to_array({
#define VIADUCT_REASON_VALUE(enumerator, name, status, sentence) Reason::enumerator,
    VIADUCT_REASONS(VIADUCT_REASON_VALUE)
#undef VIADUCT_REASON_VALUE
});

TEST_F(ExchangeTest, AnswersEveryReasonWithItsStatusAndLogsItsName) {
  script_.status = 0;
  add_route();
  std::string expected_log;
  for (const Reason reason : kAllReasons) {
    if (reason == Reason::kNone) continue;
    Call& call = scene_.call({});
    call.exchange->fail(reason);
    const int status = http::reason_status(reason);
    EXPECT_EQ(call.response.status, status) << http::reason_name(reason);
    EXPECT_TRUE(call.response.is_complete);
    EXPECT_TRUE(script_.is_over);
    EXPECT_EQ(call.response.field("Cache-Control"), "no-store");
    EXPECT_EQ(call.response.field("Content-Type"), "application/problem+json");
    EXPECT_EQ(call.response.has("Retry-After"), status == 503 || status == 429) << http::reason_name(reason);
    EXPECT_NE(call.response.body.find(call.response.field("X-Request-ID")), std::string::npos);
    scene_.turn();
    EXPECT_GE(scene_.counters.with_reason(reason), 1u);
    expected_log += (expected_log.empty() ? "" : "|") + std::to_string(status) + " ";
    expected_log += http::reason_name(reason);
  }
  EXPECT_EQ(scene_.log(), expected_log);
}

TEST_F(ExchangeTest, SaysWhichMethodsThereAreInsteadOfTheOneThatIsNotAllowed) {
  add_route(support::make_route("a", support::exact("/a", {"POST", "PUT"})));
  Call& call = scene_.call("DELETE", "/a");
  EXPECT_EQ(call.response.status, 405);
  EXPECT_EQ(call.response.field("Allow"), "POST, PUT");
  EXPECT_FALSE(scene_.call("DELETE", "/b").response.has("Allow"));
}

TEST_F(ExchangeTest, AnswersHeadWithTheLengthAndWithoutTheBody) {
  add_route(support::make_route("a", support::exact("/a")));
  Call& get = scene_.call("GET", "/b");
  Call& head = scene_.call("HEAD", "/b");
  EXPECT_EQ(head.response.status, 404);
  EXPECT_EQ(head.response.body, "");
  EXPECT_TRUE(head.response.is_complete);
  EXPECT_EQ(head.response.body_size.kind, BodyKind::kSized);
  EXPECT_EQ(head.response.body_size.bytes, get.response.body.size());
}

TEST_F(ExchangeTest, DatesItsOwnAnswers) {
  add_route(support::make_route("a", support::exact("/a")));
  EXPECT_EQ(scene_.call("GET", "/b").response.field("Date"), "Fri, 02 Jan 2026 03:04:05 GMT");
}

TEST_F(ExchangeTest, AnswersWhatTheCodecRefused) {
  add_route();
  Call& call = scene_.refuse({.method = "GET", .target = "/x?q=1"}, Reason::kHeadersTooLarge);
  EXPECT_EQ(call.response.status, 431);
  EXPECT_EQ(script_.begun, 0);
  Call& empty = scene_.refuse({.method = "", .target = "", .authority = ""}, Reason::kMalformedRequestLine);
  EXPECT_EQ(empty.response.status, 400);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "431 headers_too_large|400 malformed_request_line");
}

TEST_F(ExchangeTest, LogsWhatAClientTookBackBeforeItWasToldWithoutAnAnswer) {
  Call& call = scene_.refuse({.method = "GET", .target = "/x"}, Reason::kClientClosed);
  EXPECT_EQ(call.response.status, 0);
  call.go_away();
  scene_.turn();
  EXPECT_EQ(call.exchange, nullptr);
  EXPECT_TRUE(scene_.log().starts_with("499 client_closed")) << scene_.log();
}

TEST_F(ExchangeTest, AnswersABodyThatTheCodecRefusedAndEndsTheAction) {
  script_.status = 0;
  script_.reads = true;
  add_route();
  Call& call = scene_.call({.method = "POST", .body = {.kind = BodyKind::kStream}});
  scene_.refuse_body(call, Reason::kInvalidChunk);
  EXPECT_EQ(call.response.status, 400);
  EXPECT_TRUE(script_.is_over);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "400 invalid_chunk");
}

TEST_F(ExchangeTest, CutsAnAnswerThatHasBegun) {
  script_.status = 0;
  add_route();
  Call& call = scene_.call({});
  call.exchange->send_head(call.exchange->new_head(200), false);
  call.exchange->fail(Reason::kUpstreamTruncated);
  EXPECT_TRUE(call.response.is_reset);
  EXPECT_FALSE(call.response.is_complete);
  EXPECT_TRUE(script_.is_over);
  call.exchange->read_request(true);  // the stream is gone
  EXPECT_FALSE(call.response.is_reading);
  EXPECT_EQ(call.exchange->writable_bytes(), 0u);
  scene_.turn();
  EXPECT_EQ(call.exchange, nullptr);
  EXPECT_EQ(scene_.log(), "200 upstream_truncated");
}

TEST_F(ExchangeTest, DoesNotFailBehindItsAnswer) {
  add_route();
  Call& call = scene_.call({});
  call.exchange->fail(Reason::kInternalError);
  EXPECT_FALSE(call.response.is_reset);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "200 -");
}

// A note that a filter left is no failure: what ends the exchange says why it ended.
TEST_F(ExchangeTest, LogsTheFailureAndNotTheNoteOfAFilter) {
  script_.status = 0;
  add_route();
  Call& call = scene_.call({});
  call.exchange->record().reason = Reason::kCorsOriginNotAllowed;
  call.exchange->fail(Reason::kUpstreamClosed);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "502 upstream_closed");
}

// ---- the end --------------------------------------------------------------------------------------------------------

TEST_F(ExchangeTest, IsLoggedAs499WhenTheClientLeavesBeforeTheAnswer) {
  script_.status = 0;
  add_route();
  Call& call = scene_.call({});
  call.go_away();
  EXPECT_EQ(call.response.status, 0);
  EXPECT_TRUE(script_.is_over);
  EXPECT_EQ(call.exchange, nullptr);
  EXPECT_EQ(scene_.log(), "499 client_closed");
}

TEST_F(ExchangeTest, IsLoggedWithItsStatusWhenTheClientLeavesInTheMiddle) {
  script_.status = 0;
  add_route();
  Call& call = scene_.call({});
  call.exchange->send_head(call.exchange->new_head(206), false);
  call.go_away(Reason::kClientReadTimeout);
  EXPECT_EQ(scene_.log(), "206 client_read_timeout");
}

TEST_F(ExchangeTest, DropsWhatComesBehindItsAnswerAndCountsIt) {
  script_.reads = true;
  add_route();
  Call& call = scene_.call({.method = "POST", .body = {.kind = BodyKind::kStream}});
  EXPECT_TRUE(call.response.is_complete);
  call.send_body("late", true);
  call.send_trailers({{"A", "b"}});
  EXPECT_EQ(script_.request_body, "");
  EXPECT_EQ(call.exchange->record().bytes_in, 4u);
}

TEST_F(ExchangeTest, EndsWithTheSnapshotItBeganWith) {
  script_.status = 0;
  add_route();
  Call& call = scene_.call({});
  const std::weak_ptr<const Snapshot> old = scene_.services().serving->snapshot;
  scene_.services().serving =
      std::make_shared<Serving>(Serving{.snapshot = std::make_shared<Snapshot>(), .upstreams = {}});
  EXPECT_FALSE(old.expired());
  EXPECT_EQ(&call.exchange->snapshot(), old.lock().get());
  call.exchange->respond({.status = 204, .content_type = {}, .body = {}, .fields = {}});
  scene_.turn();
  EXPECT_TRUE(old.expired());
}

TEST_F(ExchangeTest, CountsApartWhatEndsWhenItsSnapshotIsNotServedAnyMore) {
  script_.status = 0;
  add_route();
  for (const bool is_outlived : {false, true}) {
    Call& call = scene_.call({});
    ServingRef& serving = scene_.services().serving;
    if (is_outlived) serving = std::make_shared<Serving>(Serving{.snapshot = serving->snapshot, .upstreams = {}});
    call.exchange->fail(http::Reason::kUpstreamClosed);
    scene_.turn();
    EXPECT_EQ(scene_.counters.outlived_failures(), is_outlived ? 1u : 0u);
    EXPECT_EQ(scene_.counters.with_reason(http::Reason::kUpstreamClosed), is_outlived ? 2u : 1u);
  }
  EXPECT_EQ(scene_.counters.outlived(), 1u);
}

class ExchangeLogTest : public testing::Test {
 protected:
  ActionScript script_;
};

TEST_F(ExchangeLogTest, DescribesTheRequestAsItWasReceived) {
  ExchangeScene scene(
      "${site} ${route} ${method} ${host} ${path} ${query} ${version} ${client_ip} ${client_port} "
      "${tls_version} ${user_agent} ${referer} ${bytes_in} ${bytes_out} ${total_ms}");
  net::TlsInfo tls;
  tls.version = "TLSv1.3";
  scene.client.tls = &tls;
  scene.add_route().action = std::make_unique<support::RecordingAction>(script_);
  script_.status = 0;
  script_.reads = true;
  Call& call = scene.call({.method = "POST",
                           .target = "/a%2fb?c=d",
                           .fields = {{"User-Agent", "curl"}, {"Referer", "https://r.test/p?secret"}},
                           .body = {.kind = BodyKind::kSized, .bytes = 5},
                           .authority = "HOST.test:8443"});
  call.send_body("12345", true);
  scene.pass(std::chrono::milliseconds(1250));
  call.exchange->respond({.status = 200, .content_type = "text/plain", .body = "four", .fields = {}});
  scene.turn();
  EXPECT_EQ(scene.log(),
            "host.test all POST HOST.test:8443 /a%2fb c=d HTTP/1.1 192.0.2.7 40000 TLSv1.3 curl https://r.test/p 5 4 "
            "1250.000");
}

TEST_F(ExchangeLogTest, KnowsTheClientWhereNothingOfAHeadCame) {
  ExchangeScene scene("${client_ip} ${client_port} ${tls_version} ${tls_cipher} ${request_id} ${status} ${reason}");
  net::TlsInfo tls;
  tls.version = "TLSv1.3";
  tls.cipher = "TLS_AES_128_GCM_SHA256";
  scene.client.tls = &tls;
  scene.begin({}).go_away();
  scene.turn();
  const std::string line = scene.log();
  EXPECT_TRUE(line.starts_with("192.0.2.7 40000 TLSv1.3 TLS_AES_128_GCM_SHA256 ")) << line;
  EXPECT_TRUE(line.ends_with(" 499 client_closed")) << line;
  EXPECT_EQ(line.find(" - "), std::string::npos) << "no id: " << line;
}

TEST_F(ExchangeLogTest, ShowsTheClientBehindTrustedProxies) {
  ExchangeScene scene("${client_ip}");
  scene.add_route().action = std::make_unique<support::RecordingAction>(script_);
  scene.site().trusted_proxies.add(*base::Cidr::parse("192.0.2.0/24"));
  Call& call = scene.call({.fields = {{"X-Forwarded-For", "1.1.1.1, 198.51.100.1"}}});
  EXPECT_EQ(call.exchange->client_ip().to_string(), "198.51.100.1");
  EXPECT_TRUE(call.exchange->is_peer_trusted());
  scene.client.peer = base::SocketAddress(*base::IpAddress::parse("203.0.113.1"), 1);
  Call& other = scene.call({.fields = {{"X-Forwarded-For", "198.51.100.1"}}});
  EXPECT_FALSE(other.exchange->is_peer_trusted());
  scene.turn();
  EXPECT_EQ(scene.log(), "198.51.100.1|203.0.113.1");
}

}  // namespace
}  // namespace viaduct::exchange

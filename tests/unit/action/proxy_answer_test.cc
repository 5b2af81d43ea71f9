// SPDX-License-Identifier: Apache-2.0
// How long the answer of a callback route is held, and what becomes of it then. What a whole run makes of it is in
// proxy_run_callback_test.cc.
#include "action/proxy_answer.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::action {
namespace {

using http::BodyKind;
using support::ExchangeScene;

class ProxyAnswerTest : public testing::Test {
 protected:
  // An exchange whose answer the test gives.
  exchange::Exchange& begin(config::CallbackProvider callback = config::CallbackProvider::kGeneric) {
    script_.status = 0;
    scene_.add_route().action = std::make_unique<support::RecordingAction>(script_);
    scene_.site().routes.back().callback = callback;
    call_ = &scene_.call({});
    return *call_->exchange;
  }
  http::ResponseHead& head(http::BodySize body) {
    http::ResponseHead& made = call_->exchange->new_head(200);
    made.body = body;
    return made;
  }
  void send(ProxyAnswer& answer, std::string_view bytes, bool end) {
    base::Buffer body(scene_.loop.chunks());
    body.append(bytes);
    answer.send_body(body, end);
    EXPECT_TRUE(body.empty());
  }
  support::CapturedResponse& response() { return call_->response; }

  support::ActionScript script_;
  ExchangeScene scene_;
  ExchangeScene::Call* call_ = nullptr;
};

TEST_F(ProxyAnswerTest, PassesAtOnceOnOrdinaryRoutes) {
  ProxyAnswer answer(begin(config::CallbackProvider::kNone));
  answer.send_informational(call_->exchange->new_head(103));
  EXPECT_EQ(response().informational, std::vector<int>{103});
  answer.send_head(head({BodyKind::kSized, 4}), false);
  EXPECT_EQ(response().status, 200);
  send(answer, "ab", false);
  EXPECT_EQ(response().body, "ab");
  EXPECT_FALSE(answer.is_complete());
  response().room = 0;
  EXPECT_FALSE(answer.has_room());
  send(answer, "cd", true);
  EXPECT_TRUE(answer.is_complete());
  EXPECT_TRUE(response().is_complete);
}

TEST_F(ProxyAnswerTest, HoldsWithItsFramingUntilItIsComplete) {
  ProxyAnswer answer(begin());
  answer.send_informational(call_->exchange->new_head(103));
  answer.send_head(head({BodyKind::kSized, 4}), false);
  send(answer, "ab", false);
  response().room = 0;
  EXPECT_TRUE(answer.has_room()) << "the client's room is nothing to an answer that is held";
  EXPECT_EQ(response().status, 0);
  send(answer, "cd", true);
  EXPECT_EQ(response().status, 200);
  EXPECT_EQ(response().body_size, (http::BodySize{BodyKind::kSized, 4}));
  EXPECT_EQ(response().body, "abcd");
  EXPECT_TRUE(response().is_complete);
  EXPECT_TRUE(response().informational.empty());
}

TEST_F(ProxyAnswerTest, EndsWithItsHeadWhereThereIsNoBody) {
  ProxyAnswer answer(begin());
  answer.send_head(head({}), true);
  EXPECT_EQ(response().status, 200);
  EXPECT_TRUE(response().is_complete);
}

TEST_F(ProxyAnswerTest, KeepsAnEmptyStreamAndTrailers) {
  ProxyAnswer answer(begin());
  answer.send_head(head({.kind = BodyKind::kStream}), false);
  send(answer, "", false);
  auto& trailers = *call_->exchange->arena().make<http::Fields>(call_->exchange->arena());
  trailers.add("X-Digest", "7");
  EXPECT_EQ(response().status, 0);
  answer.send_trailers(trailers);
  EXPECT_EQ(response().body_size.kind, BodyKind::kStream);
  EXPECT_EQ(response().body, "");
  ASSERT_EQ(response().trailers.size(), 1u);
  EXPECT_TRUE(answer.is_complete());
}

// A client that knows no chunks could not tell a cut answer from a whole one.
TEST_F(ProxyAnswerTest, StatesTheLengthOfAWholeAnswerToOldClients) {
  ProxyAnswer answer(begin());
  call_->exchange->request().version = http::Version::kHttp10;
  http::ResponseHead& made = head({.kind = BodyKind::kStream});
  answer.send_head(made, false);
  send(answer, "abc", false);
  send(answer, "de", true);
  EXPECT_EQ(response().body_size, (http::BodySize{BodyKind::kSized, 5}));
  EXPECT_EQ(response().body, "abcde");
  EXPECT_TRUE(response().is_complete);
}

TEST_F(ProxyAnswerTest, StatesTheLengthInThePlaceOfTrailers) {
  ProxyAnswer answer(begin());
  call_->exchange->request().version = http::Version::kHttp10;
  http::ResponseHead& made = head({.kind = BodyKind::kStream});
  made.fields.add(http::FieldName::kTrailer, "X-Digest");
  answer.send_head(made, false);
  send(answer, "abc", false);
  answer.send_trailers(*call_->exchange->arena().make<http::Fields>(call_->exchange->arena()));
  EXPECT_EQ(response().body_size, (http::BodySize{BodyKind::kSized, 3}));
  EXPECT_FALSE(response().has("Trailer"));
  EXPECT_EQ(response().body, "abc");
}

TEST_F(ProxyAnswerTest, KnowsNoLengthOfAnAnswerThatIsTooLongToBeHeld) {
  ProxyAnswer answer(begin());
  call_->exchange->request().version = http::Version::kHttp10;
  answer.send_head(head({.kind = BodyKind::kStream}), false);
  send(answer, std::string(ProxyAnswer::kHeldBytesMax + 1, 'x'), false);
  EXPECT_EQ(response().body_size.kind, BodyKind::kStream);
}

TEST_F(ProxyAnswerTest, HoldsUpToItsBoundAndStreamsBeyond) {
  struct Row {
    std::size_t bytes;
    bool is_held;
  };
  for (const Row& row : {Row{ProxyAnswer::kHeldBytesMax - 1, true}, Row{ProxyAnswer::kHeldBytesMax, true},
                         Row{ProxyAnswer::kHeldBytesMax + 1, false}}) {
    support::ActionScript script;
    script.status = 0;
    ExchangeScene scene;
    scene.add_route().action = std::make_unique<support::RecordingAction>(script);
    scene.site().routes.back().callback = config::CallbackProvider::kGeneric;
    ExchangeScene::Call& call = scene.call({});
    ProxyAnswer answer(*call.exchange);
    http::ResponseHead& made = call.exchange->new_head(200);
    made.body = {.kind = BodyKind::kStream};
    answer.send_head(made, false);
    base::Buffer body(scene.loop.chunks());
    body.append(std::string(row.bytes, 'x'));
    answer.send_body(body, false);
    EXPECT_EQ(call.response.status, row.is_held ? 0 : 200) << row.bytes;
    EXPECT_EQ(call.response.body.size(), row.is_held ? 0 : row.bytes);
    body.append("y");
    call.response.room = 0;
    EXPECT_EQ(answer.has_room(), row.is_held);
    answer.send_body(body, true);
    EXPECT_EQ(call.response.body.size(), row.bytes + 1);
    EXPECT_TRUE(call.response.is_complete);
    scene.turn();
  }
}

TEST_F(ProxyAnswerTest, IsDroppedWhenItIsLate) {
  ProxyAnswer answer(begin());
  answer.send_head(head({BodyKind::kSized, 4}), false);
  send(answer, "ab", false);
  answer.become_late();
  EXPECT_TRUE(answer.is_late());
  EXPECT_EQ(scene_.loop.chunks().chunks_in_use(), 0u) << "what was held is given back";
  send(answer, "cd", true);
  EXPECT_TRUE(answer.is_complete());
  EXPECT_EQ(response().status, 0);
}

TEST_F(ProxyAnswerTest, IsOneLineWhenItIsLate) {
  const support::TemporaryDirectory directory;
  ASSERT_TRUE(base::log_open({.file = directory / "error.log"}).has_value());
  exchange::Exchange& exchange = begin();
  ProxyAnswer answer(exchange);
  answer.become_late();
  scene_.clock.advance(std::chrono::milliseconds(1250));
  scene_.loop.run_once(false);
  answer.send_head(head({}), true);
  answer.log_late("app", "a:80", http::Reason::kNone);
  answer.log_late("app", "a:80", http::Reason::kUpstreamTruncated);
  ASSERT_TRUE(base::log_open({}).has_value());
  const std::string log = support::file_bytes(directory / "error.log");
  const std::string id(exchange.request_id());
  EXPECT_NE(log.find(" late request_id=" + id + " route=all status=200 late_ms=1250 upstream=app server=a:80\n"),
            std::string::npos)
      << log;
  EXPECT_NE(log.find(" late request_id=" + id +
                     " route=all status=200 reason=upstream_truncated late_ms=1250 upstream=app server=a:80\n"),
            std::string::npos)
      << log;
}

}  // namespace
}  // namespace viaduct::action

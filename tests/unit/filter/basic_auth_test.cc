// SPDX-License-Identifier: Apache-2.0
#include "filter/basic_auth.h"

#include <gtest/gtest.h>

#include <map>
#include <span>

#include "base/base64.h"
#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::filter {
namespace {

constexpr const char* kHash = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";  // secret

std::string basic(std::string_view pair) {
  return "Basic " + base::to_base64({reinterpret_cast<const unsigned char*>(pair.data()), pair.size()});
}

// What is read of a field, as "user|password".
std::string read(std::string_view field) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  const auto credentials = parse_basic(field, arena);
  return credentials ? std::string(credentials->user) + "|" + std::string(credentials->password) : "(none)";
}

TEST(ParseBasic, ReadsUserAndPassword) {
  EXPECT_EQ(read(basic("anna:secret")), "anna|secret");
  EXPECT_EQ(read("bAsIc   " + basic("anna:secret").substr(6)), "anna|secret");
  EXPECT_EQ(read(basic(":")), "|");
  EXPECT_EQ(read(basic("anna:a:b:")), "anna|a:b:");
  EXPECT_EQ(read(basic("\xc3\xa4:\xe2\x82\xac")), "\xc3\xa4|\xe2\x82\xac");
}

TEST(ParseBasic, ReadsNothingElse) {
  for (const std::string& field :
       {std::string(), std::string("Basic"), std::string("Basic "), std::string("Bearer abcd"),
        std::string("Basic !!!!"), std::string("Basicx YTpi"), basic("anna"),
        basic(std::string_view("anna:se\0cret", 12)), basic("anna:x") + " "}) {
    EXPECT_EQ(read(field), "(none)") << field;
  }
}

class BasicAuthTest : public testing::Test {
 protected:
  void build(bool forward = false) {
    exchange::RoutePlan& plan = scene_.add_route();
    plan.filters.push_back(std::make_unique<BasicAuth>(
        config::BasicAuth{.realm = "Door",
                          .file = {},
                          .forward = forward,
                          .users = {{.user = "bert", .hash = {kHash}}, {.user = "anna", .hash = {kHash}}}}));
    plan.action = std::make_unique<support::RecordingAction>(script_);
  }
  support::ExchangeScene::Call& call(const std::string& authorization) {
    return scene_.call({.fields = {{"Authorization", authorization}}});
  }
  // The status of a request that says so, however long that takes.
  int status_of(const std::string& authorization) {
    auto& asked = call(authorization);
    EXPECT_TRUE(scene_.run_until([&asked] { return asked.response.status != 0; }));
    return asked.response.status;
  }

  support::ActionScript script_;
  support::ExchangeScene scene_;
};

TEST_F(BasicAuthTest, AsksWhoSaysNothing) {
  build();
  const auto& response = scene_.call({}).response;
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.field("WWW-Authenticate"), "Basic realm=\"Door\", charset=\"UTF-8\"");
  scene_.turn();
  EXPECT_EQ(scene_.log(), "401 unauthorized");
  EXPECT_EQ(script_.begun, 0);
}

TEST_F(BasicAuthTest, LetsUsersThroughAfterAWhileAndThenAtOnce) {
  build();
  auto& first = call(basic("anna:secret"));
  EXPECT_EQ(first.response.status, 0);  // it waits, and the worker does not
  EXPECT_TRUE(scene_.run_until([&first] { return first.response.status != 0; }));
  EXPECT_EQ(first.response.status, 200);
  EXPECT_EQ(call(basic("anna:secret")).response.status, 200);
  EXPECT_EQ(script_.begun, 2);
}

TEST_F(BasicAuthTest, RefusesEverybodyElse) {
  build();
  EXPECT_EQ(status_of(basic("anna:Secret")), 401);
  EXPECT_EQ(status_of(basic("Anna:secret")), 401);
  EXPECT_EQ(status_of(basic("carl:secret")), 401);
  EXPECT_EQ(status_of(basic("carl:secret")), 401);  // also when the pair would be known
  EXPECT_EQ(status_of(basic("anna:")), 401);
  EXPECT_EQ(status_of(basic(":")), 401);
  EXPECT_EQ(status_of("Bearer token"), 401);
  EXPECT_EQ(status_of(""), 401);
  EXPECT_EQ(script_.begun, 0);
}

// Where hashes of a file differ in their cost, the time for a name must not tell whether it is there.
TEST(BasicAuthStandIn, IsOneOfTheUsersByTheNameAlone) {
  const std::vector<config::PasswordEntry> users = {
      {.user = "anna", .hash = {"a"}}, {.user = "bert", .hash = {"b"}}, {.user = "carl", .hash = {"c"}}};
  const auto make = [](std::vector<config::PasswordEntry> rows) {
    return BasicAuth(config::BasicAuth{.realm = "Door", .file = {}, .forward = false, .users = std::move(rows)});
  };
  const BasicAuth auth = make(users);
  const BasicAuth again = make({users[2], users[0], users[1]});  // after a reload, or in another process
  std::vector<config::PasswordEntry> changed = users;
  changed[1].hash.value = "other";
  const BasicAuth other = make(changed);
  std::map<std::string, int> counts;
  int moved = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string name = "nobody" + std::to_string(i);
    const std::string& chosen = auth.stand_in_for(name).user;
    ++counts[chosen];
    EXPECT_EQ(auth.stand_in_for(name).user, chosen);
    EXPECT_EQ(again.stand_in_for(name).user, chosen);
    if (other.stand_in_for(name).user != chosen) ++moved;
  }
  EXPECT_EQ(counts.size(), users.size());
  for (const auto& [user, count] : counts) EXPECT_GT(count, 60) << user;
  EXPECT_GT(moved, 100);  // only who has read the file can tell
}

TEST_F(BasicAuthTest, TakesNoTwoFields) {
  build();
  EXPECT_EQ(status_of(basic("anna:secret")), 200);
  EXPECT_EQ(scene_.call({.fields = {{"Authorization", basic("anna:secret")}, {"Authorization", basic("anna:secret")}}})
                .response.status,
            401);
}

TEST_F(BasicAuthTest, KeepsThePasswordFromTheUpstreamUnlessToldOtherwise) {
  for (const bool forward : {false, true}) {
    support::ExchangeScene scene;
    support::ActionScript script;
    exchange::RoutePlan& plan = scene.add_route();
    plan.filters.push_back(std::make_unique<BasicAuth>(config::BasicAuth{
        .realm = "Door", .file = {}, .forward = forward, .users = {{.user = "anna", .hash = {kHash}}}}));
    plan.action = std::make_unique<support::RecordingAction>(script);
    for (int i = 0; i < 2; ++i) {  // waiting, and at once
      const std::string field = basic("anna:secret");
      auto& asked = scene.call({.fields = {{"Authorization", field}}});
      EXPECT_TRUE(scene.run_until([&asked] { return asked.response.status == 200; }));
      EXPECT_EQ(script.begun, i + 1);
      EXPECT_EQ(script.field("Authorization"), forward ? field : "(none)");
    }
  }
}

TEST_F(BasicAuthTest, GivesUpWhenTheClientIsGone) {
  build();
  auto& asked = call(basic("anna:secret"));
  asked.go_away();
  EXPECT_EQ(asked.exchange, nullptr);
  EXPECT_EQ(status_of(basic("bert:secret")), 200);  // whose turn came behind
  EXPECT_EQ(script_.begun, 1);
  EXPECT_TRUE(scene_.log().starts_with("499 client_closed")) << scene_.log();
}

TEST_F(BasicAuthTest, RefusesWhatWouldWaitTooLong) {
  build();
  std::vector<support::ExchangeScene::Call*> waiting;
  for (std::size_t i = 0; i < exchange::PasswordChecker::kWaitingMax; ++i) waiting.push_back(&call(basic("anna:x")));
  EXPECT_EQ(call(basic("anna:x")).response.status, 503);
  EXPECT_TRUE(scene_.run_until([&waiting] { return waiting.back()->response.status == 401; }));
}

TEST_F(BasicAuthTest, HoldsTheBodyMeanwhile) {
  build();
  const std::string field = basic("anna:secret");
  auto& asked = scene_.call(
      {.method = "POST", .fields = {{"Authorization", field}}, .body = {.kind = http::BodyKind::kSized, .bytes = 3}});
  EXPECT_FALSE(asked.response.is_reading);
  EXPECT_TRUE(scene_.run_until([this] { return script_.begun == 1; }));
}

}  // namespace
}  // namespace viaduct::filter

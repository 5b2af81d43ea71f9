// SPDX-License-Identifier: Apache-2.0
#include "filter/edit_fields.h"

#include <gtest/gtest.h>

#include "support/exchange_scene.h"
#include "support/recording_action.h"

namespace viaduct::filter {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

class EditFieldsTest : public testing::Test {
 protected:
  void build(const config::HeaderEdits& edits) {
    exchange::RoutePlan& plan = scene_.add_route();
    plan.filters.push_back(*EditFields::make(edits));
    plan.action = std::make_unique<support::RecordingAction>(script_);
  }

  support::ActionScript script_;
  support::ExchangeScene scene_;
};

TEST_F(EditFieldsTest, RemovesSetsAndAddsInThisOrder) {
  config::HeaderEdits edits;
  edits.request.remove = {"x-debug", "X-Set"};
  edits.request.set = {{"X-Set", {"set"}}, {"X-Both", {"set"}}};
  edits.request.add = {{"X-Both", {"added"}}, {"X-Added", {"added"}}};
  build(edits);
  scene_.call({.fields = {{"Host", "host.test"},
                          {"X-Debug", "1"},
                          {"X-DEBUG", "2"},
                          {"X-Both", "given"},
                          {"X-Set", "given"},
                          {"X-Kept", "kept"}}});
  EXPECT_EQ(script_.fields, (Lines{{"Host", "host.test"},
                                   {"X-Both", "set"},
                                   {"X-Kept", "kept"},
                                   {"X-Set", "set"},
                                   {"X-Both", "added"},
                                   {"X-Added", "added"}}));
}

TEST_F(EditFieldsTest, EditsEveryAnswerAlsoOurOwn) {
  script_.answer_fields = {{"Server", "uvicorn"}, {"X-Frame-Options", "ALLOW"}, {"X-Frame-Options", "SAMEORIGIN"}};
  config::HeaderEdits edits;
  edits.response.remove = {"server"};
  edits.response.set = {{"X-Frame-Options", {"DENY"}}};
  edits.response.add = {{"X-Served-By", {"viaduct"}}};
  build(edits);
  const auto& answer = scene_.call({}).response;
  EXPECT_FALSE(answer.has("Server"));
  EXPECT_EQ(answer.field("X-Frame-Options"), "DENY");
  EXPECT_EQ(answer.field("X-Served-By"), "viaduct");
  script_.status = 0;
  auto& failed = scene_.call({});
  failed.exchange->fail(http::Reason::kUpstreamClosed);
  EXPECT_EQ(failed.response.field("X-Served-By"), "viaduct");
  EXPECT_EQ(failed.response.field("X-Frame-Options"), "DENY");
}

TEST_F(EditFieldsTest, KeepsTheTwoDirectionsApart) {
  config::HeaderEdits edits;
  edits.request.set = {{"X-Internal-Secret", {"s3cret"}}};
  edits.response.add = {{"X-Answer", {"1"}}};
  build(edits);
  const auto& answer = scene_.call({}).response;
  EXPECT_EQ(script_.field("X-Internal-Secret"), "s3cret");
  EXPECT_EQ(script_.field("X-Answer"), "(none)");
  EXPECT_FALSE(answer.has("X-Internal-Secret"));
}

// What a rewrite has made of the target, and the environment's or a file's "${", are no part of it.
TEST_F(EditFieldsTest, FillsInVariablesOfTheRequest) {
  config::HeaderEdits edits;
  edits.request.set = {{"X-Where", {{"${scheme}://${host}${path}?${query}"}, true}}, {"X-Raw", {{"${host}"}, false}}};
  edits.request.add = {{"X-Client", {{"${client_ip}"}, true}}};
  edits.response.set = {{"X-Id", {{"<${request_id}>"}, true}}, {"X-Path", {{"${path}"}, true}}};
  build(edits);
  auto& call = scene_.call({.target = "/a%2Fb?c=d",
                            .fields = {{"X-Where", "forged"}, {"X-Request-ID", "id-1"}},
                            .authority = "host.test:8080"});
  EXPECT_EQ(script_.field("X-Where"), "http://host.test/a%2Fb?c=d");
  EXPECT_EQ(script_.field("X-Raw"), "${host}");
  EXPECT_EQ(script_.field("X-Client"), "192.0.2.7");
  EXPECT_EQ(call.response.field("X-Id"), "<id-1>");
  EXPECT_EQ(call.response.field("X-Path"), "/a%2Fb");
}

TEST_F(EditFieldsTest, RefusesVariablesThatTheEnvironmentBrought) {
  config::HeaderEdits edits;
  edits.response.add = {{"X-A", {{"${host} s3cret ${x"}, true}}};
  const auto made = EditFields::make(edits);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().message,
            "the value of X-A takes a ${ from the environment; put such a text into a file: file:PATH");
}

// A client must not be able to bring what the config sets.
TEST_F(EditFieldsTest, ReplacesEveryLineThatTheClientSent) {
  config::HeaderEdits edits;
  edits.request.set = {{"X-Internal-Secret", {"s3cret"}}};
  build(edits);
  scene_.call({.fields = {{"x-internal-secret", "forged"}, {"X-INTERNAL-SECRET", "forged too"}}});
  EXPECT_EQ(script_.field("X-Internal-Secret"), "s3cret");
}

// A server that turns names into environment variables takes both for HTTP_X_INTERNAL_SECRET.
TEST_F(EditFieldsTest, RemovesImitationsOfWhatItSetsAndRemoves) {
  config::HeaderEdits edits;
  edits.request.remove = {"X-Debug"};
  edits.request.set = {{"X-Internal-Secret", {"s3cret"}}, {"Own_Name", {"set"}}};
  edits.request.add = {{"X-Added", {"added"}}};
  build(edits);
  scene_.call({.fields = {{"Host", "host.test"},
                          {"X_Internal_Secret", "forged"},
                          {"x-internal_secret", "forged"},
                          {"X_DEBUG", "1"},
                          {"Own-Name", "another"},
                          {"own_name", "forged"},
                          {"X_Added", "given"},
                          {"X_Internal_Secrets", "another"}}});
  EXPECT_EQ(script_.fields, (Lines{{"Host", "host.test"},
                                   {"Own-Name", "another"},
                                   {"Own_Name", "set"},
                                   {"X_Added", "given"},
                                   {"X_Internal_Secrets", "another"},
                                   {"X-Internal-Secret", "s3cret"},
                                   {"X-Added", "added"}}));
}

TEST_F(EditFieldsTest, LeavesEverythingElseAsItIs) {
  build({});
  scene_.call({.fields = {{"hOsT", "host.test"}, {"A", "1"}, {"a", "2"}}});
  EXPECT_EQ(script_.fields, (Lines{{"hOsT", "host.test"}, {"A", "1"}, {"a", "2"}}));
}

}  // namespace
}  // namespace viaduct::filter

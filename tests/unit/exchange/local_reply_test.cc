// SPDX-License-Identifier: Apache-2.0
#include "exchange/local_reply.h"

#include <gtest/gtest.h>

#include <array>

#include "http/status.h"

namespace viaduct::exchange {
namespace {

using http::Reason;

constexpr auto kAllReasons = std::to_array({
#define VIADUCT_REASON_VALUE(enumerator, name, status, sentence) Reason::enumerator,
    VIADUCT_REASONS(VIADUCT_REASON_VALUE)
#undef VIADUCT_REASON_VALUE
});

class LocalReplyTest : public testing::Test {
 protected:
  LocalReply make(Reason reason, std::string_view accept) {
    request_.fields.clear();
    if (!accept.empty()) request_.fields.add(http::FieldName::kAccept, accept);
    return make_local_reply({.reason = reason, .request = request_, .request_id = "id-1", .provider = provider_},
                            config_, arena_);
  }

  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  http::RequestHead request_{arena_};
  config::Config config_;
  config::CallbackProvider provider_ = config::CallbackProvider::kNone;
};

TEST_F(LocalReplyTest, IsAPageForBrowsers) {
  const LocalReply reply = make(Reason::kNoRoute, "text/html,application/xhtml+xml,*/*;q=0.8");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(reply.body,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>404 Not Found</title></head>\n"
            "<body><h1>404 Not Found</h1>\n<p>There is nothing at this address.</p>\n"
            "<p>Request <code>id-1</code></p></body></html>\n");
}

TEST_F(LocalReplyTest, IsAProblemForEverybodyElse) {
  for (const std::string_view accept : {"", "*/*", "application/json", "text/html;q=0", "image/png"}) {
    const LocalReply reply = make(Reason::kUpstreamConnectRefused, accept);
    EXPECT_EQ(reply.status, 502) << accept;
    EXPECT_EQ(reply.content_type, "application/problem+json") << accept;
    EXPECT_EQ(reply.body,
              R"({"type":"about:blank","title":"Bad Gateway","status":502,"detail":"The service cannot be reached.",)"
              R"("request_id":"id-1"})"
              "\n");
  }
}

TEST_F(LocalReplyTest, GivesEveryReasonItsStatusAndNeverASuccess) {
  for (const Reason reason : kAllReasons) {
    if (reason == Reason::kNone) continue;
    const LocalReply reply = make(reason, "");
    EXPECT_EQ(reply.status, http::reason_status(reason)) << http::reason_name(reason);
    EXPECT_GE(reply.status, 400) << http::reason_name(reason);
    EXPECT_LT(reply.status, 600) << http::reason_name(reason);
    EXPECT_NE(reply.body.find(http::reason_sentence(reason)), std::string_view::npos) << reply.body;
  }
}

// The name in the log is for the operator alone; so are addresses of servers.
TEST_F(LocalReplyTest, TellsNothingAboutTheInside) {
  for (const Reason reason : kAllReasons) {
    for (const std::string_view accept : {"", "text/html"}) {
      if (reason == Reason::kNone) continue;
      const LocalReply reply = make(reason, accept);
      EXPECT_EQ(reply.body.find(http::reason_name(reason)), std::string_view::npos) << reply.body;
      EXPECT_EQ(reply.body.find("upstream"), std::string_view::npos) << reply.body;
    }
  }
}

TEST_F(LocalReplyTest, IsThePageThatTheConfigNamesForTheStatus) {
  config_.errors = {{.from = 404, .to = 404, .file = {}, .content_type = "text/html", .body = "not here"},
                    {.from = 502, .to = 504, .file = {}, .content_type = "text/plain", .body = "later"}};
  struct Row {
    Reason reason;
    std::string_view body;  // empty: our own
  };
  for (const Row& row : {Row{Reason::kNoRoute, "not here"}, Row{Reason::kInternalError, ""},
                         Row{Reason::kUpstreamClosed, "later"}, Row{Reason::kUpstreamUnavailable, "later"},
                         Row{Reason::kUpstreamTotalTimeout, "later"}, Row{Reason::kUnsupportedVersion, ""}}) {
    const LocalReply reply = make(row.reason, "*/*");
    EXPECT_EQ(reply.status, http::reason_status(row.reason));
    if (row.body.empty()) {
      EXPECT_EQ(reply.content_type, "application/problem+json");
    } else {
      EXPECT_EQ(reply.body, row.body);
      EXPECT_EQ(reply.content_type, reply.status == 404 ? "text/html" : "text/plain");
    }
  }
}

// A program that asks for JSON reads no HTML, be it ever so well designed.
TEST_F(LocalReplyTest, IsNoPageForThoseWhoAskForJsonAndNotForItsType) {
  config_.errors = {{.from = 404, .to = 404, .file = {}, .content_type = "text/html; charset=utf-8", .body = "page"},
                    {.from = 502, .to = 502, .file = {}, .content_type = "application/json", .body = "{}"}};
  struct Row {
    std::string_view accept;
    bool is_page;
  };
  for (const Row& row :
       {Row{"", true}, Row{"*/*", true}, Row{"text/html, application/json", true},
        Row{"text/*;q=0.1, application/json", true}, Row{"image/png", true}, Row{"application/json", false},
        Row{"application/json, text/plain, */*", false}, Row{"application/problem+json", false}}) {
    const LocalReply reply = make(Reason::kNoRoute, row.accept);
    EXPECT_EQ(reply.body == "page", row.is_page) << row.accept;
    EXPECT_EQ(reply.content_type == "application/problem+json", !row.is_page) << row.accept;
    EXPECT_EQ(make(Reason::kUpstreamClosed, row.accept).body == "{}", row.accept != "application/problem+json");
  }
}

// A page of the operator's is 5xx in HTML to a platform, or worse.
TEST_F(LocalReplyTest, IsTheFormOfThePlatformOnCallbackRoutesWhateverTheConfigAndTheClientSay) {
  config_.errors = {{.from = 400, .to = 599, .file = {}, .content_type = "text/html", .body = "later"}};
  provider_ = config::CallbackProvider::kAlipay;
  for (const std::string_view accept : {"", "text/html", "application/json"}) {
    EXPECT_EQ(make(Reason::kUpstreamClosed, accept).body, "fail");
  }
  provider_ = config::CallbackProvider::kWechatPush;
  EXPECT_TRUE(make(Reason::kUpstreamClosed, "text/html").is_silent);
}

}  // namespace
}  // namespace viaduct::exchange

// SPDX-License-Identifier: Apache-2.0
#include "exchange/callback_reply.h"

#include <gtest/gtest.h>

#include <array>

namespace viaduct::exchange {
namespace {

using config::CallbackProvider;
using http::Reason;

constexpr auto kAllReasons = std::to_array({
#define VIADUCT_REASON_VALUE(enumerator, name, status, sentence) Reason::enumerator,
    VIADUCT_REASONS(VIADUCT_REASON_VALUE)
#undef VIADUCT_REASON_VALUE
});

constexpr CallbackProvider kProviders[] = {CallbackProvider::kWechatPayV3, CallbackProvider::kWechatPayV2,
                                           CallbackProvider::kWechatPush, CallbackProvider::kAlipay,
                                           CallbackProvider::kGeneric};

class CallbackReplyTest : public testing::Test {
 protected:
  LocalReply make(CallbackProvider provider, Reason reason) { return make_callback_reply(provider, reason, arena_); }

  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
};

TEST_F(CallbackReplyTest, IsWhatEachPlatformTakesForAFailure) {
  struct Row {
    CallbackProvider provider;
    int status;
    std::string_view content_type;
    std::string_view body;
    bool is_silent = false;
  };
  for (const Row& row : {
           Row{CallbackProvider::kWechatPayV3, 500, "application/json",
               R"({"code":"FAIL","message":"The service did not answer in time."})"},
           Row{CallbackProvider::kGeneric, 500, "application/json",
               R"({"code":"FAIL","message":"The service did not answer in time."})"},
           Row{CallbackProvider::kWechatPayV2, 200, "text/xml",
               "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[The service did not answer in "
               "time.]]></return_msg></xml>"},
           Row{CallbackProvider::kAlipay, 200, "text/plain", "fail"},
           Row{CallbackProvider::kWechatPush, kStatusUnanswered, "", "", true},
       }) {
    const LocalReply reply = make(row.provider, Reason::kUpstreamTotalTimeout);
    EXPECT_EQ(reply.status, row.status);
    EXPECT_EQ(reply.content_type, row.content_type);
    EXPECT_EQ(reply.body, row.body);
    EXPECT_EQ(reply.is_silent, row.is_silent);
  }
}

// Whatever went wrong, the platform must call again.
TEST_F(CallbackReplyTest, IsNeverASuccessForAnyReason) {
  for (const Reason reason : kAllReasons) {
    for (const CallbackProvider provider : kProviders) {
      const LocalReply reply = make(provider, reason);
      EXPECT_EQ(reply.body.find("SUCCESS"), std::string_view::npos) << reply.body;
      EXPECT_EQ(reply.body.find("success"), std::string_view::npos) << reply.body;
      EXPECT_EQ(reply.is_silent, provider == CallbackProvider::kWechatPush);
      const bool goes_by_body = provider == CallbackProvider::kWechatPayV2 || provider == CallbackProvider::kAlipay;
      EXPECT_EQ(reply.status == 200, goes_by_body);
      if (!goes_by_body && !reply.is_silent) {
        EXPECT_EQ(reply.status, 500);
      }
    }
  }
}

// What would end a text in JSON or CDATA stands in no sentence.
TEST_F(CallbackReplyTest, NeedsNothingEscaped) {
  for (const Reason reason : kAllReasons) {
    EXPECT_EQ(http::reason_sentence(reason).find_first_of("\"\\<>&]\r\n"), std::string_view::npos)
        << http::reason_name(reason);
  }
}

TEST_F(CallbackReplyTest, TellsNothingAboutTheInside) {
  for (const Reason reason : kAllReasons) {
    if (reason == Reason::kNone) continue;
    const LocalReply reply = make(CallbackProvider::kWechatPayV3, reason);
    EXPECT_EQ(reply.body.find(http::reason_name(reason)), std::string_view::npos) << reply.body;
    EXPECT_EQ(reply.body.find("upstream"), std::string_view::npos) << reply.body;
  }
}

}  // namespace
}  // namespace viaduct::exchange

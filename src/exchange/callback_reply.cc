// SPDX-License-Identifier: Apache-2.0
#include "exchange/callback_reply.h"

#include "base/check.h"

namespace viaduct::exchange {
namespace {

// The sentences are our own and hold nothing that JSON or CDATA would need escaped.
std::string_view enclose(std::string_view before, http::Reason reason, std::string_view after, base::Arena& arena) {
  return arena.append(arena.append(arena.copy(before), http::reason_sentence(reason)), after);
}

LocalReply json_failure(http::Reason reason, base::Arena& arena) {
  return {.status = 500,
          .content_type = "application/json",
          .body = enclose(R"({"code":"FAIL","message":")", reason, R"("})", arena)};
}

// No byte may stand before, between or behind the tags.
LocalReply xml_failure(http::Reason reason, base::Arena& arena) {
  return {.status = 200,
          .content_type = "text/xml",
          .body = enclose("<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[", reason,
                          "]]></return_msg></xml>", arena)};
}

}  // namespace

LocalReply make_callback_reply(config::CallbackProvider provider, http::Reason reason, base::Arena& arena) {
  CHECK(provider != config::CallbackProvider::kNone);
  switch (provider) {
    case config::CallbackProvider::kWechatPayV2: return xml_failure(reason, arena);
    case config::CallbackProvider::kWechatPush: return {.status = kStatusUnanswered, .is_silent = true};
    case config::CallbackProvider::kAlipay: return {.status = 200, .content_type = "text/plain", .body = "fail"};
    case config::CallbackProvider::kNone:
    case config::CallbackProvider::kWechatPayV3:
    case config::CallbackProvider::kGeneric: break;
  }
  return json_failure(reason, arena);
}

}  // namespace viaduct::exchange

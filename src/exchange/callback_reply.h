// SPDX-License-Identifier: Apache-2.0
// How a platform that calls us is told that its call has failed, so that it calls again: each has its own form, and
// each takes some answers for success that are none. WeChat Pay v3 goes by the status, so it never gets a 2xx; WeChat
// Pay v2 and Alipay go by the body, under 200; an Official Account's push takes any answer for one, so it gets none.
#pragma once

#include "exchange/local_reply.h"

namespace viaduct::exchange {

// nginx's number for a connection that was closed without an answer, for the log.
inline constexpr int kStatusUnanswered = 444;

// The failure form of `provider` for `reason`; its text says no more than any other answer of ours. REQUIRES: a
// provider other than kNone.
LocalReply make_callback_reply(config::CallbackProvider provider, http::Reason reason, base::Arena& arena);

}  // namespace viaduct::exchange

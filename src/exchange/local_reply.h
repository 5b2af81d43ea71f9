// SPDX-License-Identifier: Apache-2.0
// The answers that Viaduct itself gives for a refusal or failure: on callback routes the form of the platform
// (exchange/callback_reply), elsewhere an error page of the config, unless the client asks for JSON and not for what
// the page is, HTML for browsers, application/problem+json (RFC 9457) for everybody else. They tell nothing about the
// inside.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "config/types.h"
#include "http/message.h"
#include "http/reason.h"

namespace viaduct::exchange {

struct LocalReply {
  int status = 500;
  std::string_view content_type = {};
  std::string_view body = {};  // in the arena, or in the config
  bool is_silent = false;      // nothing is sent, the connection or the stream just ends; `status` is for the log
};

// What is refused, and to whom.
struct Refusal {
  http::Reason reason;
  const http::RequestHead& request;  // what could be read of it
  std::string_view request_id;
  config::CallbackProvider provider = config::CallbackProvider::kNone;  // of the route that was chosen
};

// Chooses and writes the answer. `config` must outlive it. RFC 9110 §12.5.1 for Accept.
LocalReply make_local_reply(const Refusal& refusal, const config::Config& config, base::Arena& arena);

}  // namespace viaduct::exchange

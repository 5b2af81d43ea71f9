// SPDX-License-Identifier: Apache-2.0
// The answers that Viaduct itself gives for a refusal or failure: an error page of the config, HTML for browsers,
// application/problem+json (RFC 9457) for everybody else. They carry the request id and tell nothing about the inside.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "config/types.h"
#include "http/message.h"
#include "http/reason.h"

namespace viaduct::exchange {

struct LocalReply {
  int status = 500;
  std::string_view content_type;
  std::string_view body;  // in the arena, or in the config
};

// Chooses and writes the answer for `reason`. `request` is what could be read of the head; `config` must outlive the
// answer. RFC 9110 §12.5.1 for Accept.
LocalReply make_local_reply(http::Reason reason, const http::RequestHead& request, std::string_view request_id,
                            const config::Config& config, base::Arena& arena);

}  // namespace viaduct::exchange

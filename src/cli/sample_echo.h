// SPDX-License-Identifier: Apache-2.0
// The WebSocket that the sample upstreams of `viaduct demo` speak: every message comes back as it was, a ping is
// answered, a close is answered, and whoever breaks a rule is told so by a close. Bytes in, bytes out; no socket, no
// clock. One thread.
#pragma once

#include <string_view>

#include "base/buffer.h"
#include "cli/websocket_frames.h"

namespace viaduct::cli {

inline constexpr std::string_view kSampleEchoPath = "/api/v1/ws";

class SampleEcho {
 public:
  // Takes all bytes of `input` and adds what is to be said to `out`. False once the conversation is over: `out` holds
  // our close then, and nothing more is said.
  bool take(base::Buffer& input, base::Buffer& out);

 private:
  WebsocketReader reader_;
  bool is_over_ = false;
};

}  // namespace viaduct::cli

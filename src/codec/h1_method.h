// SPDX-License-Identifier: Apache-2.0
// What an HTTP/1 server here says of a request's method before it looks at anything else: the parser knows a list of
// methods, and CONNECT is for proxies that clients know. For whoever wants to tell what would happen without a
// connection (`viaduct explain`). Cold path; any thread.
#pragma once

#include <string_view>

#include "http/reason.h"

namespace viaduct::codec {

// kNone where a request of this method goes on to a route, else why it is refused.
http::Reason judge_h1_method(std::string_view method);

}  // namespace viaduct::codec

// SPDX-License-Identifier: Apache-2.0
// What a request expects before it sends its body (RFC 9110 §10.1.1), the same for every HTTP version.
// Used by the head readers of both. Pure.
#pragma once

#include "http/message.h"
#include "http/reason.h"

namespace viaduct::codec {

// Fills in head.expects_continue. kUnsupportedExpectation for anything but 100-continue. HTTP/1.0 has no expectations.
// REQUIRES: version and body of `head` are known.
http::Reason read_expectation(http::RequestHead& head);

}  // namespace viaduct::codec

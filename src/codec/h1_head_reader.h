// SPDX-License-Identifier: Apache-2.0
// What a head means that H1Parser has read: which resource and host a request is for, how its body is framed, whether
// the connection may go on behind it. The rules themselves stand in http/framing, http/host and base/uri; here they are
// asked in one order. Pure functions over a head. RFC 9112 §3.2, §6, §9.3, RFC 9110 §10.1.1.
#pragma once

#include <expected>

#include "codec/h1_parser.h"
#include "http/framing.h"
#include "http/message.h"
#include "http/reason.h"

namespace viaduct::codec {

// Fills in method, target and version as far as they have been read: also for heads that were refused.
void copy_request_line(const H1Parser& parser, http::RequestHead& head);

// Judges a request head that was read whole, line and fields, and fills in target (now in origin form or "*"),
// authority, Host (where the target had an authority), protocol, body and expects_continue. kNone when it may be
// handled.
http::Reason read_request_head(http::RequestHead& head);

// The reason for a head that the parser refused: llhttp stops at the first framing field that it dislikes, but how a
// body is framed, and why not, is for http/framing to say once all fields are known.
http::Reason refusal_of(const H1Parser& parser, const http::RequestHead& head);

// Fills in a response head to a `method` request and says how its body is framed; every refusal is
// kUpstreamInvalidResponse.
std::expected<http::ResponseFraming, http::Reason> read_response_head(const H1Parser& parser, http::Method method,
                                                                      http::ResponseHead& head);

// Whether the sender of a head means to keep the connection: by default on HTTP/1.1, when asked on HTTP/1.0; "close"
// wins over "keep-alive", also when they stand in different lines. RFC 9112 §9.3.
bool is_persistent(http::Version version, const http::Fields& fields);

}  // namespace viaduct::codec

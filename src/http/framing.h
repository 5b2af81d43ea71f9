// SPDX-License-Identifier: Apache-2.0
// The one place that decides how long a body is (RFC 9112 §6, RFC 9113 §8.1.1). Whoever smuggles a request makes two
// parsers disagree here, so everything that could be read in two ways is refused, also where RFC 9112 would let a
// recipient repair it: repeated or listed lengths, both length and coding, any coding but "chunked" by itself.
// Pure functions over the fields of a head; any thread.
#pragma once

#include <expected>

#include "http/fields.h"
#include "http/message.h"
#include "http/reason.h"

namespace viaduct::http {

// How the body of a request is framed.
//
// HTTP/1: kSized by Content-Length, kStream when chunked, kNone when neither is there. HTTP/2: kSized by
// content-length, else kStream, which is kNone when END_STREAM comes with the head.
//
// kConflictingFraming: Content-Length and Transfer-Encoding together; Transfer-Encoding on HTTP/1.0; either of them on
// an HTTP/1 CONNECT, behind which a tunnel begins. kInvalidContentLength: more than one line, or anything but 1 to 19
// digits that fit into 63 bits. kUnsupportedTransferEncoding: a well-formed list of codings that this program does not
// decode. kInvalidTransferEncoding: everything else that is not exactly one line "chunked", and any on HTTP/2.
std::expected<BodySize, Reason> request_framing(const Fields& fields, Version version, Method method);

struct ResponseFraming {
  BodySize size;
  bool is_chunked = false;   // kStream with the chunked coding
  bool until_close = false;  // kStream that ends when the connection does, cut or not; HTTP/1 alone

  bool operator==(const ResponseFraming&) const = default;
};

// How the body of the response to a `method` request is framed (RFC 9112 §6.3). Answers to HEAD and 1xx, 204 and 304
// have none, whatever their fields say; a tunnel behind 101 is the codec's affair. kUpstreamInvalidResponse in every
// case that request_framing refuses.
std::expected<ResponseFraming, Reason> response_framing(const Fields& fields, Version version, Method method,
                                                        int status);

}  // namespace viaduct::http

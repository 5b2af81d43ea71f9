// SPDX-License-Identifier: Apache-2.0
// Turns heads and trailers into HTTP/2 field lists (RFC 9113 §8.2, §8.3): pseudo-header fields first, names in lower
// case, nothing about the connection, nothing that another parser could read as two fields. The lists refer to texts of
// the head and of the list itself; nghttp2 copies them when a frame is submitted. RFC 8441 §5 for the extended CONNECT.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "http/message.h"

namespace viaduct::codec {

// The fields of one HEADERS frame, in the arena of the exchange.
class H2FieldList {
 public:
  // Room for the fields of `fields` and `pseudo` more.
  H2FieldList(const http::Fields& fields, std::size_t pseudo);

  // `flags` are nghttp2_nv_flag's.
  void add(std::string_view name, std::string_view value, std::uint8_t flags = NGHTTP2_NV_FLAG_NONE);
  // Adds every field that may stand in an HTTP/2 message. Host and Content-Length are left to the caller.
  void add_fields(const http::Fields& fields);
  // Adds content-length as `body` says it.
  void add_length(const http::BodySize& body);
  std::span<const nghttp2_nv> entries() const { return {entries_, size_}; }

 private:
  base::Arena& arena_;
  nghttp2_nv* entries_;
  std::size_t size_ = 0;
};

// A final or interim response. A 101 is written as the 200 of an accepted extended CONNECT. Behind a HEAD or a 304 a
// Content-Length says how long the body would be, and goes on as it is.
H2FieldList response_fields(const http::ResponseHead& head);
// A request; `scheme` is that of the connection to the server.
H2FieldList request_fields(const http::RequestHead& head, std::string_view scheme);

// Queues trailers that end the body of `stream_id`.
void submit_trailers(nghttp2_session* session, std::int32_t stream_id, const http::Fields& trailers);

}  // namespace viaduct::codec

// SPDX-License-Identifier: Apache-2.0
// Reads the field lists of HTTP/2 messages: every rule of RFC 9113 §8.2 and §8.3 about what may stand in them, and the
// limits of a head, each with its reason. What it lets through is a head like any other, of which nothing can become
// more than one HTTP/1.1 request: no CR, LF or NUL, no field about framing or the connection, one authority, a target
// in origin form. Used by H2Server and H2Client for one block after the other; blocks are never interleaved (§4.3).
// RFC 8441 for the extended CONNECT.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codec/h2_limits.h"
#include "http/message.h"
#include "http/reason.h"

namespace viaduct::codec {

class H2HeadReader {
 public:
  enum class Kind : std::uint8_t { kRequest, kResponse, kTrailers };

  // Begins a block whose fields go to `fields`, which must live until the block ends. `limits` must too.
  void begin(Kind kind, const H2Limits& limits, http::Fields& fields);
  // Takes the next field. Behind a refusal it only counts.
  void add(std::string_view name, std::string_view value);
  // Bytes of the block so far, decoded: grows on behind a refusal, so that its sender can be stopped.
  std::size_t decoded_bytes() const { return decoded_bytes_; }
  // Why the block was refused so far; kNone where it was not, and where all that is wrong with a response is its
  // status.
  http::Reason reason() const { return reason_; }
  // True where the refusal means that the message is malformed (RFC 9113 §8.1.1), not that it is beyond a limit.
  bool is_malformed() const { return is_malformed_; }

  // Judges the block as a whole and fills in the head: target, authority (and a Host line before all others), body,
  // expectation, protocol. An extended CONNECT becomes the GET that an upgrade of HTTP/1.1 would be. `end`: there is no
  // body. What could be read of a refused head is filled in too, for the log.
  http::Reason finish_request(http::RequestHead& head, bool end);
  // The same for a response to a `method` request; kUpstreamInvalidResponse for every fault. `end` as above.
  http::Reason finish_response(http::ResponseHead& head, http::Method method, bool end);
  // Trailers have no rules as a whole.
  http::Reason finish_trailers() const { return reason_; }

 private:
  // Pseudo-header fields, RFC 9113 §8.3.1, §8.3.2, RFC 8441 §4.
  enum Pseudo : std::uint8_t { kMethod, kScheme, kAuthority, kPath, kProtocol, kStatus, kPseudoCount };
  static constexpr std::string_view kPseudoNames[kPseudoCount] = {":method", ":scheme",   ":authority",
                                                                  ":path",   ":protocol", ":status"};

  void add_pseudo(std::string_view name, std::string_view value);
  void add_regular(std::string_view name, std::string_view value);
  void refuse(http::Reason reason);
  void refuse_malformed(http::Reason reason = http::Reason::kMalformedHeader);
  bool has(Pseudo pseudo) const { return (seen_ >> pseudo & 1U) != 0; }
  http::Reason check_pseudo();
  http::Reason read_target(http::RequestHead& head);
  http::Reason read_authority(http::RequestHead& head);
  void join_cookies(http::Fields& fields) const;

  const H2Limits* limits_ = nullptr;
  http::Fields* fields_ = nullptr;
  Kind kind_ = Kind::kRequest;
  http::Reason reason_ = http::Reason::kNone;
  bool is_malformed_ = false;
  bool is_regular_ = false;  // a field that is no pseudo-header field has come
  unsigned seen_ = 0;        // bit n: Pseudo n has come
  std::string_view pseudo_[kPseudoCount];
  std::size_t decoded_bytes_ = 0;
  std::size_t field_bytes_ = 0;  // held to max_head_size
  std::size_t cookies_ = 0;
};

}  // namespace viaduct::codec

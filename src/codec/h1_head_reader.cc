// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_head_reader.h"

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/uri.h"
#include "codec/expectation.h"
#include "codec/websocket_handshake.h"
#include "http/host.h"
#include "http/syntax.h"

namespace viaduct::codec {

using http::Field;
using http::FieldName;
using http::Method;
using http::Reason;
using http::RequestHead;
using http::Version;

namespace {

// An absolute-form target may leave the path out; it is forwarded as "/" then, and as "*" for OPTIONS without a query
// (RFC 9112 §3.2.4).
std::string_view origin_form(const base::Target& target, RequestHead& head) {
  if (!target.path.empty()) return target.path_and_query;
  if (head.method == Method::kOptions && !target.has_query) return "*";
  if (!target.has_query) return "/";
  base::Arena& arena = head.fields.arena();
  return arena.append(arena.copy("/"), target.path_and_query);
}

Reason read_target(RequestHead& head) {
  const std::optional<base::Target> target = base::split_target(head.target);
  if (!target || target->form == base::TargetForm::kAuthority) return Reason::kMalformedRequestLine;
  const bool is_asterisk = target->form == base::TargetForm::kAsterisk;
  if (is_asterisk && head.method != Method::kOptions) return Reason::kMalformedRequestLine;

  std::optional<std::string_view> target_authority;
  if (target->form == base::TargetForm::kAbsolute) {
    const bool is_http =
        base::equals_ignoring_case(target->scheme, "http") || base::equals_ignoring_case(target->scheme, "https");
    if (!is_http) return Reason::kMalformedRequestLine;
    target_authority = target->authority;
    head.target = origin_form(*target, head);
  }
  const auto authority = http::find_authority(head.fields, head.version, target_authority);
  if (!authority) return authority.error();
  head.authority = *authority;
  // The authority wins over a Host that differs, for everyone who reads the head later (RFC 9112 §3.2.2).
  if (target_authority) head.fields.set(FieldName::kHost, *authority);
  return Reason::kNone;
}

}  // namespace

void copy_request_line(const H1Parser& parser, RequestHead& head) {
  head.method_text = parser.method();
  head.method = http::parse_method(head.method_text);
  head.target = parser.target();
  head.version = parser.version();
}

Reason read_request_head(RequestHead& head) {
  if (head.method == Method::kConnect) return Reason::kUnsupportedMethod;
  if (const Reason reason = read_target(head); reason != Reason::kNone) return reason;
  const auto body = http::request_framing(head.fields, head.version, head.method);
  if (!body) return body.error();
  head.body = *body;
  if (asks_for_websocket(head)) head.protocol = kWebsocketProtocol;
  return read_expectation(head);
}

Reason refusal_of(const H1Parser& parser, const RequestHead& head) {
  const Reason reason = parser.reason();
  const bool is_framing = reason == Reason::kInvalidContentLength || reason == Reason::kConflictingFraming ||
                          reason == Reason::kInvalidTransferEncoding;
  if (!is_framing) return reason;
  const auto body = http::request_framing(head.fields, head.version, head.method);
  return body ? reason : body.error();
}

std::expected<http::ResponseFraming, Reason> read_response_head(const H1Parser& parser, Method method,
                                                                http::ResponseHead& head) {
  head.status = parser.status();
  head.reason_phrase = parser.reason_phrase();
  const auto framing = http::response_framing(head.fields, parser.version(), method, head.status);
  if (framing) head.body = framing->size;
  return framing;
}

bool is_persistent(Version version, const http::Fields& fields) {
  bool keep_alive = version != Version::kHttp10;
  for (const Field& field : fields) {
    if (field.id != FieldName::kConnection) continue;
    for (http::ListReader list(field.value); !list.done(); list.next()) {
      if (base::equals_ignoring_case(list.member(), "close")) return false;
      if (base::equals_ignoring_case(list.member(), "keep-alive")) keep_alive = true;
    }
  }
  return keep_alive;
}

}  // namespace viaduct::codec

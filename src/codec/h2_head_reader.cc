// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_head_reader.h"

#include <algorithm>
#include <iterator>

#include "base/bytes.h"
#include "base/uri.h"
#include "codec/expectation.h"
#include "codec/h1_bytes.h"
#include "http/framing.h"
#include "http/hop_by_hop.h"
#include "http/host.h"
#include "http/status.h"
#include "http/syntax.h"

namespace viaduct::codec {

using http::BodyKind;
using http::Field;
using http::FieldName;
using http::Method;
using http::Reason;

namespace {

// What ": " and a line end would take on HTTP/1, so that max_head_size means the same there and here.
constexpr std::size_t kLineBytes = 4;
// What HPACK counts for a field beside its bytes (RFC 7541 §4.1).
constexpr std::size_t kEntryBytes = 32;

bool is_lower_case(std::string_view name) {
  return std::ranges::none_of(name, [](char byte) { return byte >= 'A' && byte <= 'Z'; });
}

bool means_body(Method method) {
  return method == Method::kPost || method == Method::kPut || method == Method::kPatch;
}

// RFC 9113 §8.2.2: what describes a connection has no place here; TE may say "trailers" and nothing else.
bool is_forbidden(const Field& field) {
  if (field.id == FieldName::kTe) return !base::equals_ignoring_case(field.value, "trailers");
  return http::is_connection_specific(field.id);
}

}  // namespace

void H2HeadReader::begin(Kind kind, const H2Limits& limits, http::Fields& fields) {
  kind_ = kind;
  limits_ = &limits;
  fields_ = &fields;
  reason_ = Reason::kNone;
  is_malformed_ = is_regular_ = false;
  seen_ = 0;
  std::ranges::fill(pseudo_, std::string_view{});
  decoded_bytes_ = field_bytes_ = cookies_ = 0;
}

void H2HeadReader::refuse(Reason reason) {
  if (reason_ == Reason::kNone) reason_ = reason;
}

void H2HeadReader::refuse_malformed(Reason reason) {
  refuse(reason);
  is_malformed_ = true;
}

// ---- field by field -------------------------------------------------------------------------------------------------

void H2HeadReader::add(std::string_view name, std::string_view value) {
  decoded_bytes_ += name.size() + value.size() + kEntryBytes;
  if (is_malformed_) return;
  if (name.starts_with(':')) {
    add_pseudo(name, value);
  } else {
    add_regular(name, value);
  }
}

// Pseudo-header fields come first, once each, and only those of the kind of message; trailers have none.
void H2HeadReader::add_pseudo(std::string_view name, std::string_view value) {
  const auto* found = std::ranges::find(kPseudoNames, name);
  const auto index = static_cast<std::size_t>(std::distance(std::begin(kPseudoNames), found));
  const bool fits = index < kPseudoCount && kind_ != Kind::kTrailers &&
                    (index == kStatus) == (kind_ == Kind::kResponse) && !is_regular_;
  if (!fits || has(static_cast<Pseudo>(index))) return refuse_malformed();
  seen_ |= 1U << index;
  if (!http::is_field_value(value)) return refuse_malformed();
  if (index == kPath && value.size() > limits_->max_target_size) return refuse(Reason::kTargetTooLong);
  if (index != kPath && value.size() > limits_->max_head_size) return refuse(Reason::kHeadersTooLarge);
  pseudo_[index] = fields_->arena().copy(value);
}

void H2HeadReader::add_regular(std::string_view name, std::string_view value) {
  is_regular_ = true;
  const bool is_name = !name.empty() && is_all(kTokenByte, name) && is_lower_case(name);
  if (!is_name || !http::is_field_value(value)) return refuse_malformed();
  field_bytes_ += name.size() + value.size() + kLineBytes;
  if (field_bytes_ > limits_->max_head_size) return refuse(Reason::kHeadersTooLarge);
  if (fields_->size() == limits_->max_fields) return refuse(Reason::kTooManyFields);
  base::Arena& arena = fields_->arena();
  const Field field{.name = arena.copy(name), .value = arena.copy(value), .id = http::find_field_name(name)};
  if (is_forbidden(field)) return refuse_malformed();
  if (field.id == FieldName::kCookie) ++cookies_;
  fields_->add_view(field);
}

// ---- requests -------------------------------------------------------------------------------------------------------

Reason H2HeadReader::finish_request(http::RequestHead& head, bool end) {
  head.version = http::Version::kHttp2;
  head.method_text = pseudo_[kMethod];
  head.method = http::parse_method(head.method_text);
  head.target = pseudo_[kPath];
  head.authority = pseudo_[kAuthority];
  if (reason_ == Reason::kNone) refuse(check_pseudo());
  if (reason_ == Reason::kNone) refuse(read_target(head));
  if (reason_ == Reason::kNone) refuse(read_authority(head));
  if (reason_ != Reason::kNone) return reason_;
  const auto body = http::request_framing(head.fields, head.version, head.method);
  if (!body) {
    refuse_malformed(body.error());
    return reason_;
  }
  head.body = *body;
  // What follows an extended CONNECT is no body.
  if ((end && body->kind == BodyKind::kStream) || has(kProtocol)) head.body = {};
  // What HTTP/1 has to say of a method that means something by its body (RFC 9110 §8.6).
  if (end && body->kind == BodyKind::kStream && means_body(head.method)) head.body = {.kind = BodyKind::kSized};
  // Announced bytes that cannot come.
  if (end && body->kind == BodyKind::kSized && body->bytes > 0) refuse_malformed(Reason::kInvalidContentLength);
  if (reason_ == Reason::kNone) refuse(read_expectation(head));
  if (cookies_ > 1) join_cookies(head.fields);
  return reason_;
}

// RFC 9113 §8.3.1, RFC 8441 §4: which of them make a request.
Reason H2HeadReader::check_pseudo() {
  const bool is_method = has(kMethod) && http::is_token(pseudo_[kMethod]);
  if (!is_method) {
    refuse_malformed(Reason::kMalformedRequestLine);
    return reason_;
  }
  const bool is_connect = pseudo_[kMethod] == "CONNECT";
  const bool is_plain_connect = is_connect && !has(kProtocol);
  const bool is_whole = is_plain_connect ? has(kAuthority) && !has(kScheme) && !has(kPath) : has(kScheme) && has(kPath);
  if (!is_whole || (has(kProtocol) && !is_connect)) {
    refuse_malformed(Reason::kMalformedRequestLine);
    return reason_;
  }
  return is_plain_connect ? Reason::kUnsupportedMethod : Reason::kNone;
}

Reason H2HeadReader::read_target(http::RequestHead& head) {
  const bool is_http =
      base::equals_ignoring_case(pseudo_[kScheme], "http") || base::equals_ignoring_case(pseudo_[kScheme], "https");
  const auto target = base::split_target(pseudo_[kPath]);
  const bool is_asterisk = target && target->form == base::TargetForm::kAsterisk && head.method == Method::kOptions;
  const bool is_origin = target && target->form == base::TargetForm::kOrigin;
  if (!is_http || (!is_origin && !is_asterisk)) {
    refuse_malformed(Reason::kMalformedRequestLine);
    return reason_;
  }
  if (!has(kProtocol)) return Reason::kNone;
  // No other protocol is spoken here; RFC 8441 §4 leaves it to the server what to say.
  if (pseudo_[kProtocol] != "websocket") return Reason::kUnsupportedMethod;
  head.method = Method::kGet;
  head.method_text = http::method_name(Method::kGet);
  head.protocol = pseudo_[kProtocol];
  return Reason::kNone;
}

// HTTP/1.1 behind us wants a Host, and filters look for one.
Reason H2HeadReader::read_authority(http::RequestHead& head) {
  const auto stated = has(kAuthority) ? std::optional(pseudo_[kAuthority]) : std::nullopt;
  const auto authority = http::find_authority(head.fields, head.version, stated);
  if (!authority) {
    refuse_malformed(authority.error());
    return reason_;
  }
  head.authority = *authority;
  if (head.fields.find(FieldName::kHost) != nullptr) return Reason::kNone;
  http::Fields with_host(head.fields.arena());
  with_host.add_view({.name = http::field_name_text(FieldName::kHost), .value = *authority, .id = FieldName::kHost});
  for (const Field& field : head.fields) with_host.add_view(field);
  head.fields = std::move(with_host);
  return Reason::kNone;
}

// RFC 9113 §8.2.3: pairs that came in fields of their own are one field on HTTP/1.
void H2HeadReader::join_cookies(http::Fields& fields) const {
  base::Arena& arena = fields.arena();
  std::string_view joined;
  for (const Field& field : fields) {
    // A crumb without bytes would leave a space at the end, which HTTP/1 takes away.
    if (field.id != FieldName::kCookie || field.value.empty()) continue;
    if (!joined.empty()) joined = arena.append(joined, "; ");
    joined = joined.empty() ? arena.copy(field.value) : arena.append(joined, field.value);
  }
  fields.set(FieldName::kCookie, joined);
}

// ---- responses ------------------------------------------------------------------------------------------------------

Reason H2HeadReader::finish_response(http::ResponseHead& head, Method method, bool end) {
  const std::string_view digits = pseudo_[kStatus];
  const bool is_number = digits.size() == 3 && std::ranges::all_of(digits, base::is_digit) && digits[0] != '0';
  if (reason_ != Reason::kNone || !is_number) return Reason::kUpstreamInvalidResponse;
  head.status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
  // RFC 9113 §8.6: there is no upgrade. An interim response cannot be the last word.
  if (head.status == 101 || (http::is_informational(head.status) && end)) return Reason::kUpstreamInvalidResponse;
  const auto framing = http::response_framing(head.fields, http::Version::kHttp2, method, head.status);
  if (!framing) {
    refuse(Reason::kInvalidContentLength);
    return framing.error();
  }
  head.body = framing->size;
  const bool is_missing = end && head.body.kind == BodyKind::kSized && head.body.bytes > 0;
  if (end && head.body.kind == BodyKind::kStream) head.body = {};
  if (is_missing) refuse(Reason::kInvalidContentLength);
  return is_missing ? Reason::kUpstreamInvalidResponse : Reason::kNone;
}

}  // namespace viaduct::codec

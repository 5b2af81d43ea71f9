// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_head_writer.h"

#include <charconv>

#include "base/bytes.h"
#include "base/check.h"
#include "codec/h1_bytes.h"
#include "http/hop_by_hop.h"
#include "http/status.h"

namespace viaduct::codec {
namespace {

using http::Field;
using http::FieldName;

nghttp2_nv entry_of(std::string_view name, std::string_view value, std::uint8_t flags) {
  // nghttp2 reads from these places and never writes.
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {.name = bytes(name), .value = bytes(value), .namelen = name.size(), .valuelen = value.size(), .flags = flags};
}

constexpr std::size_t kLengthDigitsMax = 20;
constexpr std::size_t kStatusDigits = 3;

// RFC 9113 §8.2.2. TE is ours to say, Host and Content-Length the caller's.
bool is_left_out(FieldName id) {
  return http::is_connection_specific(id) || id == FieldName::kTe || id == FieldName::kHttp2Settings ||
         id == FieldName::kHost || id == FieldName::kContentLength;
}

// Values that hardly ever come again would push those that do out of the compression's table (RFC 7541 §6.2.3).
bool is_unlikely_to_recur(FieldName id) {
  return id == FieldName::kXRequestId || id == FieldName::kXForwardedFor || id == FieldName::kXRealIp ||
         id == FieldName::kForwarded;
}

}  // namespace

H2FieldList::H2FieldList(const http::Fields& fields, std::size_t pseudo)
    : arena_(fields.arena()), entries_(arena_.make_array<nghttp2_nv>(fields.size() + pseudo)) {}

void H2FieldList::add(std::string_view name, std::string_view value, std::uint8_t flags) {
  entries_[size_++] = entry_of(name, value, flags);
}

void H2FieldList::add_fields(const http::Fields& fields) {
  for (const Field& field : fields) {
    if (is_left_out(field.id)) continue;
    // As on HTTP/1: whatever filled them in, such bytes cannot add a line at the next hop.
    const bool is_token = !field.name.empty() && is_all(kTokenByte, field.name);
    if (!is_token || !is_line_safe(field.value)) continue;
    add(field.name, field.value, is_unlikely_to_recur(field.id) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE);
  }
}

void H2FieldList::add_length(const http::BodySize& body) {
  if (body.kind != http::BodyKind::kSized) return;
  char* digits = arena_.make_array<char>(kLengthDigitsMax);
  const auto result = std::to_chars(digits, digits + kLengthDigitsMax, body.bytes);
  add("content-length", {digits, static_cast<std::size_t>(result.ptr - digits)});
}

H2FieldList response_fields(const http::ResponseHead& head) {
  CHECK(head.status >= 100 && head.status <= 999);
  H2FieldList list(head.fields, 2);
  char* digits = head.fields.arena().make_array<char>(kStatusDigits);
  std::to_chars(digits, digits + kStatusDigits, head.status == 101 ? 200 : head.status);
  list.add(":status", {digits, kStatusDigits});
  list.add_fields(head.fields);
  list.add_length(head.body);
  const bool may_state_length =
      head.body.kind == http::BodyKind::kNone && (!http::forbids_body(head.status) || head.status == 304);
  const Field* stated = may_state_length ? head.fields.find(FieldName::kContentLength) : nullptr;
  if (stated != nullptr && is_line_safe(stated->value)) list.add("content-length", stated->value);
  return list;
}

H2FieldList request_fields(const http::RequestHead& head, std::string_view scheme) {
  H2FieldList list(head.fields, 6);
  list.add(":method", head.method_text);
  list.add(":scheme", scheme);
  const std::string_view authority = head.fields.value(FieldName::kHost);
  if (!authority.empty()) list.add(":authority", authority);
  list.add(":path", head.target);
  list.add_fields(head.fields);
  list.add_length(head.body);
  // What passes here may end with trailers; some servers, gRPC's among them, want to be told (RFC 9110 §10.1.4).
  list.add("te", "trailers");
  return list;
}

void submit_trailers(nghttp2_session* session, std::int32_t stream_id, const http::Fields& trailers) {
  H2FieldList list(trailers, 0);
  list.add_fields(trailers);
  const auto entries = list.entries();
  CHECK(nghttp2_submit_trailer(session, stream_id, entries.data(), entries.size()) != NGHTTP2_ERR_NOMEM);
}

}  // namespace viaduct::codec

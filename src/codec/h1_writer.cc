// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "codec/h1_bytes.h"
#include "codec/websocket_handshake.h"
#include "http/field_name.h"
#include "http/status.h"

namespace viaduct::codec {

using http::BodyKind;
using http::BodySize;
using http::Field;
using http::FieldName;
using http::Fields;

namespace {

// More than version, status, framing fields and line ends take, so that one reservation holds a usual head.
constexpr std::size_t kExtraBytes = 160;

// Puts texts one behind the other into a buffer: in one run of it where they fit into a chunk.
class HeadText {
 public:
  HeadText(base::Buffer& out, std::size_t expected) : out_(out) {
    room_ = out.writable(std::min(expected, base::Chunk::kBytes));
  }

  void add(std::string_view text) {
    if (text.empty()) return;
    if (text.size() > room_.size() - used_) return add_slowly(text);
    std::memcpy(room_.data() + used_, text.data(), text.size());
    used_ += text.size();
  }
  void add_line(std::string_view name, std::string_view value) {
    if (name.size() + value.size() + kLineExtraBytes > room_.size() - used_) return add_line_slowly(name, value);
    char* at = put(name, room_.data() + used_);
    *at++ = ':';
    *at++ = ' ';
    at = put(value, at);
    *at++ = '\r';
    *at++ = '\n';
    used_ = static_cast<std::size_t>(at - room_.data());
  }
  void add_number_line(std::string_view name, std::uint64_t number) {
    std::array<char, 20> digits;
    const auto result = std::to_chars(digits.begin(), digits.end(), number);
    add_line(name, {digits.data(), static_cast<std::size_t>(result.ptr - digits.data())});
  }
  void finish() {
    add("\r\n");
    out_.commit(used_);
  }

 private:
  static constexpr std::size_t kLineExtraBytes = 4;  // ": " and CRLF

  // memcpy(3) takes no null pointer, not even for nothing.
  static char* put(std::string_view text, char* at) {
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    return at + text.size();
  }
  void add_line_slowly(std::string_view name, std::string_view value) {
    add(name);
    add(": ");
    add(value);
    add("\r\n");
  }
  // The room is used up: what follows is cut into the chunks to come.
  void add_slowly(std::string_view text) {
    out_.commit(used_);
    out_.append(text);
    used_ = 0;
    room_ = out_.writable(1);
  }

  base::Buffer& out_;
  std::span<char> room_;
  std::size_t used_ = 0;
};

std::size_t size_of(const Fields& fields) {
  std::size_t size = kExtraBytes;
  for (const Field& field : fields) size += field.name.size() + field.value.size() + 4;  // ": " and CRLF
  return size;
}

// Fields that describe one connection: written by what the codec knows, never by what stands in the list.
bool is_of_connection(FieldName id) {
  return id == FieldName::kConnection || id == FieldName::kKeepAlive || id == FieldName::kProxyConnection ||
         id == FieldName::kTransferEncoding || id == FieldName::kUpgrade;
}

bool is_writable(const Field& field) {
  // A name that is known holds nothing but letters and hyphens.
  const bool is_name_safe = field.id != FieldName::kOther || is_line_safe(field.name);
  return is_name_safe && !is_of_connection(field.id) && is_line_safe(field.value);
}

// The Content-Length line that may go out as it stands, null when there is none that says the truth.
const Field* true_length(const Fields& fields, H1Framing framing, const BodySize& body) {
  if (framing != H1Framing::kSized && framing != H1Framing::kHeadOnly) return nullptr;
  const Field* field = fields.find(FieldName::kContentLength);
  if (field == nullptr) return nullptr;
  if (framing == H1Framing::kHeadOnly && body.kind != BodyKind::kSized) return field;
  const auto number = base::parse_decimal(field->value);
  return number == body.bytes ? field : nullptr;
}

void add_fields(HeadText& text, const Fields& fields, H1Framing framing, const BodySize& body) {
  const Field* length = true_length(fields, framing, body);
  for (const Field& field : fields) {
    if (field.id == FieldName::kContentLength && &field != length) continue;
    if (is_writable(field)) text.add_line(field.name, field.value);
  }
  const bool is_sized =
      framing == H1Framing::kSized || (framing == H1Framing::kHeadOnly && body.kind == BodyKind::kSized);
  if (is_sized && length == nullptr) text.add_number_line("Content-Length", body.bytes);
  if (framing == H1Framing::kChunked) text.add_line("Transfer-Encoding", "chunked");
}

void add_upgrade(HeadText& text) {
  text.add_line("Connection", "Upgrade");
  text.add_line("Upgrade", kWebsocketProtocol);
}

}  // namespace

void write_response_head(const http::ResponseHead& head, H1Framing framing, H1Connection connection,
                         base::Buffer& out) {
  CHECK(head.status >= 100 && head.status <= 999);
  const bool has_phrase = !head.reason_phrase.empty() && is_line_safe(head.reason_phrase);
  const std::string_view phrase = has_phrase ? head.reason_phrase : http::status_text(head.status);
  HeadText text(out, size_of(head.fields) + phrase.size());
  std::array<char, 3> digits;
  std::to_chars(digits.begin(), digits.end(), head.status);
  text.add("HTTP/1.1 ");
  text.add({digits.data(), digits.size()});
  text.add(" ");
  text.add(phrase);
  text.add("\r\n");
  add_fields(text, head.fields, framing, head.body);
  switch (connection) {
    case H1Connection::kNothing: break;
    case H1Connection::kClose: text.add_line("Connection", "close"); break;
    case H1Connection::kKeepAlive: text.add_line("Connection", "keep-alive"); break;
    case H1Connection::kUpgrade: add_upgrade(text); break;
  }
  text.finish();
}

bool write_request_head(const http::RequestHead& head, H1Framing framing, std::string_view websocket_key,
                        base::Buffer& out) {
  const std::string_view method = head.method_text.empty() ? http::method_name(head.method) : head.method_text;
  if (method.empty() || !is_all(kTokenByte, method)) return false;
  if (head.target.empty() || !is_all(kTargetByte, head.target)) return false;
  HeadText text(out, size_of(head.fields) + method.size() + head.target.size());
  text.add(method);
  text.add(" ");
  text.add(head.target);
  text.add(" HTTP/1.1\r\n");
  add_fields(text, head.fields, framing, head.body);
  if (!head.protocol.empty()) add_upgrade(text);
  if (!websocket_key.empty()) text.add_line(kWebsocketKeyField, websocket_key);
  text.finish();
  return true;
}

void write_trailer_section(const Fields& trailers, base::Buffer& out) {
  HeadText text(out, size_of(trailers));
  for (const Field& field : trailers) {
    if (field.id == FieldName::kContentLength || field.id == FieldName::kHost) continue;
    if (is_writable(field)) text.add_line(field.name, field.value);
  }
  text.finish();
}

}  // namespace viaduct::codec

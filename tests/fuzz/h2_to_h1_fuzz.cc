// SPDX-License-Identifier: Apache-2.0
// Field lists that become requests on HTTP/1.1, as for a server behind this program. The input chooses fields, from
// lists of what is dangerous or as they stand. Held: whatever the reader of HTTP/2 accepts is written as bytes that
// H1Server reads again as exactly one request, with the same method, target, authority, fields and body.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "codec/h1_writer.h"
#include "codec/h2_head_reader.h"
#include "http/hop_by_hop.h"
#include "support/h1_wire.h"

namespace {

using namespace std::string_view_literals;
using viaduct::codec::H1Framing;
using viaduct::codec::H2HeadReader;
using viaduct::http::BodyKind;
using viaduct::http::FieldName;
using viaduct::http::Reason;
using viaduct::http::RequestHead;
using viaduct::support::H1ServerWire;

constexpr viaduct::codec::H2Limits kLimits{.max_head_size = 4096, .max_fields = 50, .max_target_size = 1024};
// Wide, since an HTTP/1.1 head has a line more.
constexpr viaduct::codec::H1Limits kWide{.max_head_size = 65536, .max_fields = 1000, .max_target_size = 65536};
constexpr std::uint64_t kBodyBytesMax = 4096;
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

constexpr std::array kNames = {":method"sv,
                               ":scheme"sv,
                               ":authority"sv,
                               ":path"sv,
                               ":protocol"sv,
                               ":status"sv,
                               "host"sv,
                               "content-length"sv,
                               "transfer-encoding"sv,
                               "connection"sv,
                               "expect"sv,
                               "te"sv,
                               "cookie"sv,
                               "upgrade"sv,
                               "x"sv,
                               "X"sv,
                               "x y"sv,
                               "x:"sv,
                               "x\r\ny"sv,
                               ""sv,
                               "http2-settings"sv,
                               "trailer"sv,
                               "sec-websocket-key"sv,
                               "keep-alive"sv};
constexpr std::array kValues = {"GET"sv,
                                "POST"sv,
                                "CONNECT"sv,
                                "OPTIONS"sv,
                                "PURGE"sv,
                                "get"sv,
                                "https"sv,
                                "a"sv,
                                "A"sv,
                                "a:80"sv,
                                "b"sv,
                                "/"sv,
                                "/a?b"sv,
                                "*"sv,
                                "http://b/"sv,
                                "//b/"sv,
                                "/ HTTP/1.1\r\nHost: b\r\n\r\nGET /b"sv,
                                "0"sv,
                                "5"sv,
                                "05"sv,
                                "+5"sv,
                                "5, 5"sv,
                                "9223372036854775807"sv,
                                "chunked"sv,
                                "\x0b"
                                "chunked"sv,
                                "close"sv,
                                "content-length"sv,
                                "100-continue"sv,
                                "trailers"sv,
                                "websocket"sv,
                                "x\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: b\r\n\r\n"sv,
                                "a=b"sv,
                                ""sv,
                                "\0"sv,
                                " x"sv,
                                "x\t"sv,
                                "\xc3\xa4"sv,
                                "#"sv};

// Takes the input apart.
class Choices {
 public:
  explicit Choices(std::string_view bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  unsigned next() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  // A text of `list`, or as many bytes of the input as the next one says.
  template <std::size_t kCount>
  std::string_view text(const std::array<std::string_view, kCount>& list) {
    const unsigned choice = next();
    if (choice < 192) return list[choice % kCount];
    const std::string_view bytes = rest_.substr(0, choice - 192);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }

 private:
  std::string_view rest_;
};

using FieldTexts = std::vector<std::pair<std::string, std::string>>;

// What is not about the length of the body, which each codec states for itself.
FieldTexts fields_of(const RequestHead& head) {
  FieldTexts texts;
  for (const viaduct::http::Field& field : head.fields) {
    if (field.id == FieldName::kContentLength || field.id == FieldName::kTransferEncoding) continue;
    texts.emplace_back(field.name, field.value);
  }
  return texts;
}

std::string body_of(const viaduct::http::BodySize& size) {
  if (size.kind == BodyKind::kSized) return std::string(size.bytes, 'x');
  if (size.kind == BodyKind::kStream) return "5\r\nhello\r\n0\r\n\r\n";
  return "";
}

void check_as_http1(RequestHead& head) {
  viaduct::http::remove_hop_by_hop_request(head.fields);
  const bool is_sized = head.body.kind == BodyKind::kSized;
  if (is_sized && head.body.bytes > kBodyBytesMax) return;
  const H1Framing framing = head.body.kind == BodyKind::kStream ? H1Framing::kChunked
                            : is_sized                          ? H1Framing::kSized
                                                                : H1Framing::kNone;
  viaduct::base::ChunkPool chunks;
  viaduct::base::Buffer written(chunks);
  CHECK(viaduct::codec::write_request_head(head, framing, head.protocol.empty() ? "" : kKey, written));

  H1ServerWire wire(kWide);
  wire.feed(written.to_string() + body_of(head.body));
  CHECK(wire.streams.size() == 1);
  const auto& lines = wire.last().lines();
  const bool is_refused = lines.front().starts_with("refused ");
  // Methods that the parser of HTTP/1.1 has no name for, and WebSockets that are none, are refused there.
  if (is_refused) {
    CHECK(head.method == viaduct::http::Method::kOther || !head.protocol.empty());
    return;
  }
  CHECK(wire.input.empty());
  const RequestHead& read = *wire.last().head;
  CHECK(read.method_text == head.method_text && read.target == head.target);
  CHECK(viaduct::base::equals_ignoring_case(read.authority, head.authority));
  if (!head.protocol.empty()) return;
  CHECK(read.protocol.empty() && read.body == head.body && !read.expects_continue);
  CHECK(fields_of(read) == fields_of(head));
  CHECK(lines.back() == "stream end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices({reinterpret_cast<const char*>(data), size});
  const unsigned how = choices.next();
  viaduct::base::ChunkPool chunks;
  viaduct::base::Arena arena(chunks);
  RequestHead head(arena);
  H2HeadReader reader;
  reader.begin(H2HeadReader::Kind::kRequest, kLimits, head.fields);
  // Most inputs begin as a request does, since nothing else is accepted.
  const FieldTexts usual = {
      {":method", (how & 2) != 0 ? "POST" : "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}};
  const std::size_t left_out = how >> 2 & 7U;
  for (std::size_t i = 0; i < usual.size(); ++i) {
    if (i != left_out) reader.add(usual[i].first, usual[i].second);
  }
  while (!choices.done()) {
    const std::string_view name = choices.text(kNames);
    reader.add(name, choices.text(kValues));
  }
  const Reason reason = reader.finish_request(head, (how & 1) != 0);
  CHECK((reason == Reason::kNone) == (reader.reason() == Reason::kNone));
  if (reason == Reason::kNone) check_as_http1(head);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "http/framing.h"

#include <limits>
#include <optional>

#include "base/bytes.h"
#include "http/status.h"
#include "http/syntax.h"

namespace viaduct::http {
namespace {

// The digits of 2^63 - 1, which other programs keep lengths in.
constexpr std::size_t kLengthDigitsMax = 19;
constexpr std::uint64_t kLengthMax = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view kChunked = "chunked";

// What a head says about its length.
struct Stated {
  std::size_t lengths = 0;  // lines of Content-Length
  std::size_t codings = 0;  // lines of Transfer-Encoding
  std::string_view length;
  std::string_view coding;
};

Stated read_stated(const Fields& fields) {
  Stated stated;
  for (const Field& field : fields) {
    if (field.id == FieldName::kContentLength) {
      ++stated.lengths;
      stated.length = field.value;
    } else if (field.id == FieldName::kTransferEncoding) {
      ++stated.codings;
      stated.coding = field.value;
    }
  }
  return stated;
}

std::expected<BodySize, Reason> sized(const Stated& stated) {
  const std::optional<std::uint64_t> bytes = stated.lengths == 1 && stated.length.size() <= kLengthDigitsMax
                                                 ? base::parse_decimal(stated.length)
                                                 : std::nullopt;
  if (!bytes || *bytes > kLengthMax) return std::unexpected(Reason::kInvalidContentLength);
  return BodySize{.kind = BodyKind::kSized, .bytes = *bytes};
}

// Tells codings that exist elsewhere from what is no list of codings. Parameters, empty members, and "chunked" twice
// or before the end are the latter (RFC 9112 §6.1, §7).
Reason refusal_of(std::string_view coding) {
  bool was_chunked = false;
  while (true) {
    const std::size_t comma = coding.find(',');
    const std::string_view member = trim_whitespace(coding.substr(0, comma));
    if (was_chunked || !is_token(member)) return Reason::kInvalidTransferEncoding;
    was_chunked = base::equals_ignoring_case(member, kChunked);
    if (comma == std::string_view::npos) return Reason::kUnsupportedTransferEncoding;
    coding.remove_prefix(comma + 1);
  }
}

std::expected<BodySize, Reason> coded(const Stated& stated, Version version) {
  if (stated.lengths != 0 || version == Version::kHttp10) return std::unexpected(Reason::kConflictingFraming);
  if (stated.codings != 1 || version == Version::kHttp2) return std::unexpected(Reason::kInvalidTransferEncoding);
  if (!base::equals_ignoring_case(stated.coding, kChunked)) return std::unexpected(refusal_of(stated.coding));
  return BodySize{.kind = BodyKind::kStream};
}

}  // namespace

std::expected<BodySize, Reason> request_framing(const Fields& fields, Version version, Method method) {
  const Stated stated = read_stated(fields);
  const bool is_stated = stated.codings != 0 || stated.lengths != 0;
  if (is_stated && method == Method::kConnect && version != Version::kHttp2) {
    return std::unexpected(Reason::kConflictingFraming);
  }
  if (stated.codings != 0) return coded(stated, version);
  if (stated.lengths != 0) return sized(stated);
  return BodySize{.kind = version == Version::kHttp2 ? BodyKind::kStream : BodyKind::kNone};
}

std::expected<ResponseFraming, Reason> response_framing(const Fields& fields, Version version, Method method,
                                                        int status) {
  if (method == Method::kHead || forbids_body(status)) return ResponseFraming{};
  const Stated stated = read_stated(fields);
  if (stated.codings == 0 && stated.lengths == 0) {
    return ResponseFraming{.size = {.kind = BodyKind::kStream}, .until_close = version != Version::kHttp2};
  }
  const std::expected<BodySize, Reason> size = stated.codings != 0 ? coded(stated, version) : sized(stated);
  if (!size) return std::unexpected(Reason::kUpstreamInvalidResponse);
  return ResponseFraming{.size = *size, .is_chunked = stated.codings != 0};
}

}  // namespace viaduct::http

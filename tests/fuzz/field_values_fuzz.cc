// SPDX-License-Identifier: Apache-2.0
// Values of the header fields that are read beyond their framing: lists, weights, ranges, dates, conditions, addresses,
// and what `Connection` names. Held: what is read can be written and is read again as the same; what is selected lies
// within what there is; nobody can name a protected field away.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/check.h"
#include "base/ip.h"
#include "exchange/client_address.h"
#include "http/accept.h"
#include "http/conditional.h"
#include "http/date.h"
#include "http/fields.h"
#include "http/hop_by_hop.h"
#include "http/range.h"
#include "http/syntax.h"

namespace {

namespace http = viaduct::http;
using viaduct::base::IpAddress;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::array<std::uint64_t, 4> kSizes = {0, 1, 1000, UINT64_C(1) << 40};

void check_lists(std::string_view value) {
  std::size_t members = 0;
  for (http::ListReader list(value); !list.done(); list.next()) {
    const std::string_view member = list.member();
    CHECK(!member.empty() && member == http::trim_whitespace(member));
    CHECK(++members <= value.size());
    const http::Weighted weighted = http::read_weight(member);
    CHECK(weighted.weight >= 0 && weighted.weight <= 1000);
  }
}

void check_ranges(const http::Fields& fields, viaduct::base::Arena& arena) {
  for (const std::uint64_t size : kSizes) {
    const http::RangeSelection selection = http::select_ranges(fields, size);
    const auto ranges = selection.ranges();
    CHECK(ranges.empty() == (selection.kind() != http::RangeSelection::Kind::kParts));
    for (const http::ByteRange& range : ranges) {
      CHECK(range.first <= range.last && range.last < size);
      CHECK(http::content_range(range, size, arena).starts_with("bytes "));
      for (const http::ByteRange& other : ranges) {
        CHECK(&other == &range || other.last < range.first || other.first > range.last);
      }
    }
  }
}

void check_date(std::string_view value) {
  const std::optional<std::int64_t> seconds = http::parse_date(value, kNow);
  if (!seconds) return;
  std::array<char, http::kDateLength> text{};
  CHECK(http::parse_date(http::write_date(*seconds, text), kNow) == seconds);
}

void check_addresses(std::string_view value, const http::Fields& fields) {
  if (const auto address = IpAddress::parse(value)) CHECK(IpAddress::parse(address->to_string()) == address);
  if (const auto range = viaduct::base::Cidr::parse(value)) {
    CHECK(viaduct::base::Cidr::parse(range->to_string()) == range);
  }
  static const IpAddress peer = *IpAddress::parse("10.0.0.1");
  viaduct::base::CidrSet trusted;
  CHECK(viaduct::exchange::find_client_ip(peer, trusted, fields) == peer);
  trusted.add(*viaduct::base::Cidr::parse("10.0.0.0/8"));
  const IpAddress client = viaduct::exchange::find_client_ip(peer, trusted, fields);
  CHECK(client == peer || http::trim_whitespace(value).size() >= std::string_view("::").size());
}

void check_hop_by_hop(http::Fields& fields) {
  const std::size_t before = fields.count(http::FieldName::kAuthorization) + fields.count(http::FieldName::kHost);
  http::remove_hop_by_hop_request(fields);
  CHECK(fields.find(http::FieldName::kConnection) == nullptr);
  CHECK(fields.count(http::FieldName::kAuthorization) + fields.count(http::FieldName::kHost) == before);
  CHECK(fields.find("X-Forwarded-For") != nullptr && fields.find(http::FieldName::kRange) != nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  check_lists(value);
  if (!http::is_field_value(value)) return 0;
  viaduct::base::ChunkPool chunks;
  viaduct::base::Arena arena(chunks);
  http::Fields fields(arena);
  for (const std::string_view name :
       {"Host", "Authorization", "Connection", "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since",
        "If-Unmodified-Since", "Accept", "Accept-Encoding", "X-Forwarded-For"}) {
    fields.add(name, value);
  }
  check_ranges(fields, arena);
  check_date(value);
  check_addresses(value, fields);
  const http::Validators validators{.etag = "\"a\"", .last_modified = kNow};
  http::evaluate_preconditions(fields, http::Method::kGet, validators, kNow);
  http::allows_range(fields, validators, kNow);
  http::accepts_html(fields);
  http::choose_coding(fields, true, true);
  check_hop_by_hop(fields);
  return 0;
}

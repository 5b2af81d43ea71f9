// SPDX-License-Identifier: Apache-2.0
// The units of the config, in nginx's spelling: durations (500ms, 30s, 5m, 1h, 30d, 1m30s), sizes (64k, 10m, 1g), rates
// (50/s), percentages and ranges of statuses. An error is text for the operator: "what is wrong; what to do". Pure
// functions; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/time.h"

namespace viaduct::config {

template <typename T>
using Parsed = std::expected<T, std::string>;

// Numbers with the units ms, s, m, h, d, each at most once and in falling order: "1m30s", "1h 30m".
Parsed<base::Duration> parse_duration(std::string_view text);
// In the largest unit that loses nothing: "90s", "1h", "4500ms".
std::string format_duration(base::Duration duration);

// A number of bytes, with k, m or g for the powers of 1024.
Parsed<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);

// A whole number without sign and without leading zeros.
Parsed<std::uint64_t> parse_number(std::string_view text);

// Events in a time: "50/s", "10/m", "5/h".
struct Rate {
  std::uint32_t events = 0;
  base::Duration per = std::chrono::seconds(1);
};
Parsed<Rate> parse_rate(std::string_view text);
std::string format_rate(const Rate& rate);
// What it may take until all of a burst may come again: about 100 years, which nanoseconds can count.
inline constexpr base::Duration kBurstTimeMax = std::chrono::hours(100 * 365 * 24);

// 0 to 100, with the sign: "10%".
Parsed<std::uint32_t> parse_percent(std::string_view text);

// An inclusive range of statuses: "200-399", or one status.
struct StatusRange {
  std::uint16_t from = 0;
  std::uint16_t to = 0;
};
Parsed<StatusRange> parse_status_range(std::string_view text);
std::string format_status_range(const StatusRange& range);

}  // namespace viaduct::config

// SPDX-License-Identifier: Apache-2.0
// Dates of HTTP (RFC 9110 §5.6.7) as seconds since 1970-01-01T00:00:00Z, without locale and without the C library's
// time zone. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/time.h"

namespace viaduct::http {

// "Sun, 06 Nov 1994 08:49:37 GMT"
inline constexpr std::size_t kDateLength = 29;

// Writes `epoch_seconds` as an IMF-fixdate into `out` and returns the text, which lives in `out`. Years below 0 and
// above 9999, which the form cannot show, become the nearest that it can.
std::string_view write_date(std::int64_t epoch_seconds, std::span<char, kDateLength> out);
std::string_view write_date(base::WallTime time, std::span<char, kDateLength> out);

// Reads any of the three forms: IMF-fixdate, RFC 850 and asctime. Absent when `text` is none of them or names a day or
// time that does not exist; the weekday has to be one, not the right one. `now_seconds` decides the century of RFC
// 850's two-digit years: a date that seems more than 50 years ahead is in the past.
std::optional<std::int64_t> parse_date(std::string_view text, std::int64_t now_seconds);

}  // namespace viaduct::http

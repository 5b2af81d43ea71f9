// SPDX-License-Identifier: Apache-2.0
#include "config/units.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/bytes.h"
#include "base/format.h"

namespace viaduct::config {

namespace {

using namespace std::chrono_literals;

struct TimeUnit {
  std::string_view name;
  base::Duration length;
};

// In falling order, as parse_duration() wants them.
constexpr TimeUnit kTimeUnits[] = {{"d", 24h}, {"h", 1h}, {"m", 1min}, {"s", 1s}, {"ms", 1ms}};
// Ten years: no timer is longer, and every sum below fits into a Duration.
constexpr base::Duration kDurationMax = 24h * 3650;

constexpr std::uint64_t kKibi = 1024;

// Takes the digits that `rest` starts with. Absent without digits, or when they do not fit.
std::optional<std::uint64_t> take_number(std::string_view& rest) {
  const std::size_t end = std::min(rest.find_first_not_of("0123456789"), rest.size());
  const auto number = base::parse_decimal(rest.substr(0, end));
  if (number) rest.remove_prefix(end);
  return number;
}

std::string no_duration(std::string_view text) {
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
    return base::format("\"{}\" has no unit; write {}s for seconds (units: ms, s, m, h, d)", text, text);
  }
  return base::format("\"{}\" is no duration; write a number with a unit, like 500ms, 30s, 5m, 1h or 30d", text);
}

std::string no_size(std::string_view text) {
  std::string_view number = text;
  const auto value = take_number(number);
  const std::string unit = base::lower_case(number);
  if (value && (unit == "kb" || unit == "mb" || unit == "gb" || unit == "kib" || unit == "mib" || unit == "gib")) {
    return base::format("\"{}\" is no size; write {}{} (units: k, m, g)", text, *value, unit[0]);
  }
  return base::format("\"{}\" is no size; write a number of bytes, or with a unit, like 64k, 10m or 1g", text);
}

}  // namespace

Parsed<base::Duration> parse_duration(std::string_view text) {
  base::Duration sum{};
  std::string_view rest = text;
  std::size_t next_unit = 0;
  while (!rest.empty()) {
    const auto number = take_number(rest);
    const std::size_t end = std::min(rest.find_first_of("0123456789 "), rest.size());
    const std::string_view name = rest.substr(0, end);
    while (next_unit < std::size(kTimeUnits) && kTimeUnits[next_unit].name != name) ++next_unit;
    if (!number || next_unit == std::size(kTimeUnits)) return std::unexpected(no_duration(text));
    const TimeUnit& unit = kTimeUnits[next_unit++];
    if (*number > static_cast<std::uint64_t>(kDurationMax / unit.length)) {
      return std::unexpected(base::format("\"{}\" is too long; write at most 3650d", text));
    }
    sum += unit.length * static_cast<base::Duration::rep>(*number);
    rest.remove_prefix(end);
    if (rest.starts_with(' ') && rest.size() > 1) rest.remove_prefix(1);
  }
  if (text.empty()) return std::unexpected(no_duration(text));
  return sum;
}

std::string format_duration(base::Duration duration) {
  if (duration == 0s) return "0s";
  for (const TimeUnit& unit : kTimeUnits) {
    if (duration % unit.length == 0s) return base::format("{}{}", duration / unit.length, unit.name);
  }
  return base::format("{}ms", duration / 1ms);
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  if (!number || rest.size() > 1) return std::unexpected(no_size(text));
  std::uint64_t unit = 1;
  if (!rest.empty()) {
    switch (base::to_lower(rest.front())) {
      case 'k': unit = kKibi; break;
      case 'm': unit = kKibi * kKibi; break;
      case 'g': unit = kKibi * kKibi * kKibi; break;
      default: return std::unexpected(no_size(text));
    }
  }
  constexpr auto kSizeMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (*number > kSizeMax / unit) {
    return std::unexpected(
        base::format("\"{}\" is too large; write at most {}g", text, kSizeMax / (kKibi * kKibi * kKibi)));
  }
  return *number * unit;
}

std::string format_size(std::uint64_t bytes) {
  std::uint64_t unit = kKibi * kKibi * kKibi;
  for (const char name : {'g', 'm', 'k'}) {
    if (bytes >= unit && bytes % unit == 0) return base::format("{}{}", bytes / unit, name);
    unit /= kKibi;
  }
  return base::format("{}", bytes);
}

Parsed<std::uint64_t> parse_number(std::string_view text) {
  const auto number = base::parse_decimal(text);
  if (!number || (text.size() > 1 && text.front() == '0')) {
    return std::unexpected(base::format("\"{}\" is no whole number; write digits alone", text));
  }
  return *number;
}

Parsed<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto events = base::parse_decimal(text.substr(0, slash));
  const std::string_view unit = slash == std::string_view::npos ? "" : text.substr(slash + 1);
  for (const TimeUnit& known : kTimeUnits) {
    if (!events || *events == 0 || *events > std::numeric_limits<std::uint32_t>::max()) break;
    if (unit == known.name && known.length >= 1s) {
      return Rate{.events = static_cast<std::uint32_t>(*events), .per = known.length};
    }
  }
  return std::unexpected(base::format("\"{}\" is no rate; write a number and a time, like 50/s, 10/m or 5/h", text));
}

std::string format_rate(const Rate& rate) {
  return base::format("{}/{}", rate.events, format_duration(rate.per).substr(1));
}

Parsed<std::uint32_t> parse_percent(std::string_view text) {
  const auto number = text.ends_with('%') ? base::parse_decimal(text.substr(0, text.size() - 1)) : std::nullopt;
  if (!number || *number > 100) {
    return std::unexpected(base::format("\"{}\" is no percentage; write 0% to 100%, like 10%", text));
  }
  return static_cast<std::uint32_t>(*number);
}

Parsed<StatusRange> parse_status_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const std::string_view from_text = text.substr(0, dash);
  const std::string_view to_text = dash == std::string_view::npos ? from_text : text.substr(dash + 1);
  const auto from = base::parse_decimal(from_text);
  const auto to = base::parse_decimal(to_text);
  if (!from || !to || from_text.size() != 3 || to_text.size() != 3 || *from < 100 || *to > 599) {
    return std::unexpected(
        base::format("\"{}\" is no status and no range of statuses; write one like 502 or \"502-504\"", text));
  }
  if (*from > *to) return std::unexpected(base::format("\"{}\" runs backwards; write {}-{}", text, *to, *from));
  return StatusRange{.from = static_cast<std::uint16_t>(*from), .to = static_cast<std::uint16_t>(*to)};
}

std::string format_status_range(const StatusRange& range) {
  return range.from == range.to ? base::format("{}", range.from) : base::format("{}-{}", range.from, range.to);
}

}  // namespace viaduct::config

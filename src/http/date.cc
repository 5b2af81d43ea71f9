// SPDX-License-Identifier: Apache-2.0
#include "http/date.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "base/bytes.h"

namespace viaduct::http {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

constexpr std::int64_t kSecondsOfDay = 86400;
constexpr std::int64_t kSecondsOfFiftyYears = 18262 * kSecondsOfDay;  // 50 * 365.2425 days
constexpr std::int64_t kSecondsMin = -62167219200;                    // 0000-01-01T00:00:00Z
constexpr std::int64_t kSecondsMax = 253402300799;                    // 9999-12-31T23:59:59Z

// A broken-down date as it was read.
struct Parts {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

// Absent when the day or time does not exist. A leap second counts as the second after it.
std::optional<std::int64_t> to_seconds(const Parts& parts) {
  const std::chrono::year_month_day date{std::chrono::year(parts.year), std::chrono::month(parts.month),
                                         std::chrono::day(parts.day)};
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const int second_of_day = (parts.hour * 60 + parts.minute) * 60 + parts.second;
  return days * kSecondsOfDay + second_of_day;
}

// Reads a date from left to right; the first thing that does not fit makes all that follows fail.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  // All was read and all of it fitted.
  bool is_complete() const { return good_ && rest_.empty(); }

  void literal(std::string_view expected) {
    good_ = good_ && rest_.starts_with(expected);
    if (good_) rest_.remove_prefix(expected.size());
  }

  // A number of exactly `digits` digits.
  int number(std::size_t digits) {
    good_ = good_ && rest_.size() >= digits && std::ranges::all_of(rest_.substr(0, digits), base::is_digit);
    if (!good_) return 0;
    int value = 0;
    for (const char digit : rest_.substr(0, digits)) value = value * 10 + (digit - '0');
    rest_.remove_prefix(digits);
    return value;
  }

  // asctime pads the day with a space: "Nov  6".
  int padded_number() {
    if (!good_ || !rest_.starts_with(' ')) return number(2);
    rest_.remove_prefix(1);
    return number(1);
  }

  unsigned month() {
    const auto found = std::ranges::find(kMonths, rest_.substr(0, 3));
    good_ = good_ && found != kMonths.end();
    if (!good_) return 0;
    rest_.remove_prefix(3);
    return static_cast<unsigned>(found - kMonths.begin()) + 1;
  }

  void time(Parts& parts) {
    parts.hour = number(2);
    literal(":");
    parts.minute = number(2);
    literal(":");
    parts.second = number(2);
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

// The weekday at the start of `text`; its full name, empty when there is none.
std::string_view weekday_of(std::string_view text) {
  const auto found = std::ranges::find(kDays, text.substr(0, 3), [](std::string_view day) { return day.substr(0, 3); });
  return found == kDays.end() ? std::string_view{} : *found;
}

// " 06 Nov 1994 08:49:37 GMT"
std::optional<std::int64_t> parse_fixdate(Reader reader) {
  Parts parts;
  reader.literal(" ");
  parts.day = static_cast<unsigned>(reader.number(2));
  reader.literal(" ");
  parts.month = reader.month();
  reader.literal(" ");
  parts.year = reader.number(4);
  reader.literal(" ");
  reader.time(parts);
  reader.literal(" GMT");
  if (!reader.is_complete()) return std::nullopt;
  return to_seconds(parts);
}

// " 06-Nov-94 08:49:37 GMT"
std::optional<std::int64_t> parse_rfc850(Reader reader, std::int64_t now_seconds) {
  Parts parts;
  reader.literal(" ");
  parts.day = static_cast<unsigned>(reader.number(2));
  reader.literal("-");
  parts.month = reader.month();
  reader.literal("-");
  const int year = reader.number(2);
  reader.literal(" ");
  reader.time(parts);
  reader.literal(" GMT");
  if (!reader.is_complete()) return std::nullopt;
  const std::chrono::sys_days today{
      std::chrono::days(std::clamp(now_seconds, kSecondsMin, kSecondsMax) / kSecondsOfDay)};
  const int this_year = static_cast<int>(std::chrono::year_month_day(today).year());
  // The latest year with these digits that is at most 50 years ahead, and by the day where it is just that year.
  parts.year = this_year + 50 - (this_year + 50 - year) % 100;
  const std::optional<std::int64_t> seconds = to_seconds(parts);
  if (!seconds || *seconds <= now_seconds + kSecondsOfFiftyYears) return seconds;
  parts.year -= 100;
  return to_seconds(parts);
}

// " Nov  6 08:49:37 1994"
std::optional<std::int64_t> parse_asctime(Reader reader) {
  Parts parts;
  reader.literal(" ");
  parts.month = reader.month();
  reader.literal(" ");
  parts.day = static_cast<unsigned>(reader.padded_number());
  reader.literal(" ");
  reader.time(parts);
  reader.literal(" ");
  parts.year = reader.number(4);
  if (!reader.is_complete()) return std::nullopt;
  return to_seconds(parts);
}

void write_number(char* out, int value, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

std::string_view write_date(std::int64_t epoch_seconds, std::span<char, kDateLength> out) {
  using std::chrono::days;
  const std::int64_t seconds = std::clamp(epoch_seconds, kSecondsMin, kSecondsMax);
  const std::chrono::sys_days day = std::chrono::floor<days>(std::chrono::sys_seconds(std::chrono::seconds(seconds)));
  const std::chrono::year_month_day date(day);
  const auto second_of_day = static_cast<int>(seconds - day.time_since_epoch().count() * kSecondsOfDay);
  constexpr std::string_view kForm = "www, dd mmm yyyy hh:mm:ss GMT";
  static_assert(kForm.size() == kDateLength);
  char* text = out.data();
  std::memcpy(text, kForm.data(), kForm.size());
  std::memcpy(text, kDays[std::chrono::weekday(day).c_encoding()].data(), 3);
  write_number(text + 5, static_cast<int>(static_cast<unsigned>(date.day())), 2);
  std::memcpy(text + 8, kMonths[static_cast<unsigned>(date.month()) - 1].data(), 3);
  write_number(text + 12, static_cast<int>(date.year()), 4);
  write_number(text + 17, second_of_day / 3600, 2);
  write_number(text + 20, second_of_day / 60 % 60, 2);
  write_number(text + 23, second_of_day % 60, 2);
  return {text, kDateLength};
}

std::string_view write_date(base::WallTime time, std::span<char, kDateLength> out) {
  return write_date(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count(), out);
}

std::optional<std::int64_t> parse_date(std::string_view text, std::int64_t now_seconds) {
  const std::string_view day = weekday_of(text);
  if (day.empty()) return std::nullopt;
  if (text.substr(3).starts_with(',')) return parse_fixdate(Reader(text.substr(4)));
  if (text.substr(3).starts_with(' ')) return parse_asctime(Reader(text.substr(3)));
  if (!text.starts_with(day) || !text.substr(day.size()).starts_with(',')) return std::nullopt;
  return parse_rfc850(Reader(text.substr(day.size() + 1)), now_seconds);
}

}  // namespace viaduct::http

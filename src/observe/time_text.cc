// SPDX-License-Identifier: Apache-2.0
#include "observe/time_text.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>

namespace viaduct::observe {
namespace {

constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
// 2026-01-02T03:04:05.678+08:00
constexpr std::size_t kMillisecondsOffset = 20;
constexpr std::size_t kRfc3339Length = 29;
// 02/Jan/2026:03:04:05 +0800
constexpr std::size_t kCombinedLength = 26;

// Writes `value` with `width` digits and returns what is behind them.
char* write_digits(char* at, int value, int width) {
  for (int place = width - 1; place >= 0; --place) {
    at[place] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return at + width;
}

char* write_clock(char* at, const std::tm& time) {
  at = write_digits(at, time.tm_hour, 2);
  *at++ = ':';
  at = write_digits(at, time.tm_min, 2);
  *at++ = ':';
  return write_digits(at, time.tm_sec, 2);
}

char* write_offset(char* at, const std::tm& time, std::string_view separator) {
  const int minutes = static_cast<int>(std::labs(time.tm_gmtoff) / 60);
  *at++ = time.tm_gmtoff < 0 ? '-' : '+';
  at = write_digits(at, minutes / 60, 2);
  at = std::ranges::copy(separator, at).out;
  return write_digits(at, minutes % 60, 2);
}

void write_rfc3339(char* at, const std::tm& time) {
  at = write_digits(at, time.tm_year + 1900, 4);
  *at++ = '-';
  at = write_digits(at, time.tm_mon + 1, 2);
  *at++ = '-';
  at = write_digits(at, time.tm_mday, 2);
  *at++ = 'T';
  at = write_clock(at, time);
  *at++ = '.';
  at = write_digits(at, 0, 3);
  write_offset(at, time, ":");
}

void write_combined(char* at, const std::tm& time) {
  at = write_digits(at, time.tm_mday, 2);
  *at++ = '/';
  at = std::ranges::copy(kMonths.substr(static_cast<std::size_t>(time.tm_mon) * 3, 3), at).out;
  *at++ = '/';
  at = write_digits(at, time.tm_year + 1900, 4);
  *at++ = ':';
  at = write_clock(at, time);
  *at++ = ' ';
  write_offset(at, time, "");
}

}  // namespace

std::string_view TimeText::rfc3339(base::WallTime time) {
  update(time);
  const auto milliseconds =
      std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count() - second_ * 1000;
  write_digits(rfc3339_.data() + kMillisecondsOffset, static_cast<int>(milliseconds), 3);
  return {rfc3339_.data(), kRfc3339Length};
}

std::string_view TimeText::combined(base::WallTime time) {
  update(time);
  return {combined_.data(), kCombinedLength};
}

void TimeText::update(base::WallTime time) {
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  if (second == second_) return;
  second_ = second;
  const std::time_t instant = second;
  std::tm local{};
  ::localtime_r(&instant, &local);
  write_rfc3339(rfc3339_.data(), local);
  write_combined(combined_.data(), local);
}

}  // namespace viaduct::observe

// SPDX-License-Identifier: Apache-2.0
// The process log: one event, one line, `TIME LEVEL words key=value ...`, time as ISO 8601 with milliseconds and
// offset. It is the one thing that all of the process shares by name, as standard error is, and where lines go until
// log_open(). Every function is thread-safe; none waits for a slow reader or a full disk (base/log_sink.h). A value
// that somebody else chose goes through quoted(); whatever gets past that, a line stays one line. Only log.cc names
// spdlog.
//
//   LOG_INFO("listening address={} tls={}", address.to_string(), tls);
//   LOG_WARNING("certificate not read file={} error={}", base::quoted(file), base::quoted(error.message));
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/format.h"
#include "base/time.h"

namespace viaduct::base {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

// A line that is longer is cut and ends in "...".
inline constexpr std::size_t kLogLineBytesMax = 8 * 1024;
// So is a value in quoted().
inline constexpr std::size_t kQuotedBytesMax = 1024;

struct LogOptions {
  std::string file = "-";  // "-": standard error
  LogLevel level = LogLevel::kInfo;
};

// Sends lines of `options.level` and above to `options.file` from now on. On an error nothing changes.
Result<void> log_open(const LogOptions& options);
// Opens the file anew after log rotation. On an error the old one stays in use.
Result<void> log_reopen();
// Writes what could not be written before; for the end of the process, waits at most a second for a slow reader.
void log_flush();
// Lines that were given up since the process began, because of a full disk or a slow reader.
std::uint64_t log_lost_lines();
// Whether lines go where standard error leads: who writes to both would say everything twice.
bool log_is_standard_error();

// Text from outside as the value of one key: as it is where it is made of harmless characters alone, else in double
// quotes, with `"` and `\` escaped and \xNN for every byte that is a control character or no UTF-8. The text must live
// until the line is written. Call it by its full name, base::quoted(), or std::quoted() may be found instead.
struct Quoted {
  std::string_view text;
};
inline Quoted quoted(std::string_view text) {
  return {text};
}

// How often one place in the code may write: beyond kLinesMax lines in a kWindow lines are suppressed, and their number
// is logged when the next one passes. Thread-safe; the count may be off by a few where threads meet.
class LogSite {
 public:
  static constexpr std::uint32_t kLinesMax = 50;
  static constexpr Duration kWindow = std::chrono::seconds(1);

  struct Admission {
    bool is_admitted = false;
    bool is_first_suppressed = false;
    std::uint32_t suppressed_before = 0;  // in the window that has just ended
  };

  // `file` must live forever (__FILE__).
  constexpr LogSite(const char* file, int line) : file_(file), line_(line) {}

  // Counts a line at `now` and says whether it may be written.
  Admission admit(MonoTime now);
  // The file's name without folders.
  std::string_view file() const;
  int line() const { return line_; }

 private:
  const char* file_;
  int line_;
  std::atomic<Duration::rep> window_start_ = 0;
  std::atomic<std::uint32_t> lines_ = 0;
};

// The lowest level that is written; for log_enabled() alone.
inline constinit std::atomic<LogLevel> log_threshold = LogLevel::kInfo;

inline bool log_enabled(LogLevel level) {
  return level >= log_threshold.load(std::memory_order_relaxed);
}

// Formats and writes a line; `site` may be null: no bound. For the macros below.
void log_formatted(LogLevel level, LogSite* site, fmt::string_view format_text, fmt::format_args values);

template <typename... Values>
void log_line(LogLevel level, LogSite* site, fmt::format_string<Values...> format_text, Values&&... values) {
  log_formatted(level, site, format_text, fmt::make_format_args(values...));
}

}  // namespace viaduct::base

template <>
struct fmt::formatter<viaduct::base::Quoted> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  fmt::format_context::iterator format(viaduct::base::Quoted value, fmt::format_context& context) const;
};

// Values are evaluated and formatted only if the level is written. The format is checked by the compiler.
#define LOG_AT(level, site, ...)                                                                  \
  do {                                                                                            \
    if (::viaduct::base::log_enabled(level)) ::viaduct::base::log_line(level, site, __VA_ARGS__); \
  } while (false)
#define LOG_LIMITED(level, ...)                                             \
  do {                                                                      \
    static constinit ::viaduct::base::LogSite log_site(__FILE__, __LINE__); \
    LOG_AT(level, &log_site, __VA_ARGS__);                                  \
  } while (false)

#define LOG_DEBUG(...) LOG_AT(::viaduct::base::LogLevel::kDebug, nullptr, __VA_ARGS__)
#define LOG_INFO(...) LOG_AT(::viaduct::base::LogLevel::kInfo, nullptr, __VA_ARGS__)
// Bounded by LogSite::kLinesMax, since whoever calls us can cause them.
#define LOG_WARNING(...) LOG_LIMITED(::viaduct::base::LogLevel::kWarning, __VA_ARGS__)
#define LOG_ERROR(...) LOG_LIMITED(::viaduct::base::LogLevel::kError, __VA_ARGS__)
// For lines that somebody counts on, one by one (the fate of a callback).
#define LOG_ERROR_ALWAYS(...) LOG_AT(::viaduct::base::LogLevel::kError, nullptr, __VA_ARGS__)

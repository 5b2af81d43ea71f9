// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <mutex>

#include "base/bytes.h"
#include "base/log_sink.h"

namespace viaduct::base {
namespace {

constexpr const char* kLinePattern = "%Y-%m-%dT%H:%M:%S.%e%z %l %v";

// spdlog's line format over our sink. Guarded by the mutex of ProcessLog.
class LineSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit LineSink(std::unique_ptr<LogSink> sink) : sink_(std::move(sink)) { set_pattern(kLinePattern); }

  LogSink& sink() { return *sink_; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    sink_->write({line.data(), line.size()});
  }
  void flush_() override { sink_->flush(); }

 private:
  std::unique_ptr<LogSink> sink_;
};

struct ProcessLog {
  std::mutex mutex;  // guards all below
  std::unique_ptr<LineSink> lines;
  std::uint64_t lost_before = 0;  // by the sinks that were in use before

  // REQUIRES: the mutex is held.
  LineSink& use() {
    if (lines == nullptr) lines = std::make_unique<LineSink>(LogSink::on_stream(STDERR_FILENO));
    return *lines;
  }
};

// Never destroyed: a thread may still log while the process ends.
union EverLastingLog {
  constexpr EverLastingLog() : log() {}
  ~EverLastingLog() {}  // NOLINT(modernize-use-equals-default): a default one would be deleted

  ProcessLog log;
};

constinit EverLastingLog process;

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::err;
}

// True for a sequence that a terminal or a reader of lines could take for an order: control characters (C0, DEL, C1)
// and the line separators of Unicode.
bool is_control(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return first < 0x20 || first == 0x7f;
  if (sequence.size() == 2) return first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0;
  return sequence == "\u2028" || sequence == "\u2029";
}

void append_hex_escape(fmt::memory_buffer& out, std::string_view bytes) {
  for (const char byte : bytes) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(byte));
  }
}

enum class Quotes : bool { kKeep, kEscape };

void append_escaped(fmt::memory_buffer& out, std::string_view text, Quotes quotes) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
    if (length == 0 || is_control(sequence)) {
      append_hex_escape(out, sequence);
    } else {
      if (quotes == Quotes::kEscape && (sequence == "\"" || sequence == "\\")) out.push_back('\\');
      out.append(sequence);
    }
    text.remove_prefix(sequence.size());
  }
}

bool needs_quotes(std::string_view text) {
  return text.empty() || std::ranges::any_of(text, [](char byte) {
           return byte <= ' ' || byte == '"' || byte == '\\' || byte == '=' || static_cast<unsigned char>(byte) >= 0x7f;
         });
}

void write_line(LogLevel level, std::string_view text) {
  const std::size_t kept = utf8_cut(text, kLogLineBytesMax);
  fmt::memory_buffer line;
  append_escaped(line, text.substr(0, kept), Quotes::kKeep);
  if (kept < text.size()) line.append(std::string_view("..."));
  const std::scoped_lock lock(process.log.mutex);
  process.log.use().log(
      spdlog::details::log_msg("", spdlog_level(level), spdlog::string_view_t(line.data(), line.size())));
}

// Says what a site has held back. True when the line itself may be written.
bool pass_site(LogLevel level, LogSite& site) {
  const LogSite::Admission admission = site.admit(SystemClock().mono_now());
  if (admission.suppressed_before > 0) {
    write_line(level, format("log lines suppressed count={} source={}:{}", admission.suppressed_before, site.file(),
                             site.line()));
  }
  if (admission.is_first_suppressed) {
    write_line(level,
               format("log lines are being suppressed source={}:{} limit={} window={}s", site.file(), site.line(),
                      LogSite::kLinesMax, std::chrono::duration_cast<std::chrono::seconds>(LogSite::kWindow).count()));
  }
  return admission.is_admitted;
}

}  // namespace

Result<void> log_open(const LogOptions& options) {
  auto sink = LogSink::open(options.file == "-" ? "/dev/stderr" : options.file);
  if (!sink.has_value()) return std::unexpected(std::move(sink).error());
  auto lines = std::make_unique<LineSink>(std::move(*sink));
  // The old file is closed after the lock is given back, since that may wait for a slow reader.
  const std::scoped_lock lock(process.log.mutex);
  if (process.log.lines != nullptr) process.log.lost_before += process.log.lines->sink().lost_lines();
  std::swap(process.log.lines, lines);
  log_threshold.store(options.level, std::memory_order_relaxed);
  return {};
}

Result<void> log_reopen() {
  const std::scoped_lock lock(process.log.mutex);
  return process.log.use().sink().reopen();
}

void log_flush() {
  const std::scoped_lock lock(process.log.mutex);
  process.log.use().sink().drain(LogSink::kDrainAtEnd);
}

std::uint64_t log_lost_lines() {
  const std::scoped_lock lock(process.log.mutex);
  return process.log.lost_before + process.log.use().sink().lost_lines();
}

bool log_is_standard_error() {
  const std::scoped_lock lock(process.log.mutex);
  return process.log.use().sink().leads_where(STDERR_FILENO);
}

void log_formatted(LogLevel level, LogSite* site, fmt::string_view format_text, fmt::format_args values) {
  if (site != nullptr && !pass_site(level, *site)) return;
  fmt::memory_buffer text;
  fmt::vformat_to(std::back_inserter(text), format_text, values);
  write_line(level, {text.data(), text.size()});
}

LogSite::Admission LogSite::admit(MonoTime now) {
  const Duration::rep instant = now.time_since_epoch().count();
  Duration::rep start = window_start_.load(std::memory_order_relaxed);
  if (instant - start >= kWindow.count() &&
      window_start_.compare_exchange_strong(start, instant, std::memory_order_relaxed)) {
    const std::uint32_t before = lines_.exchange(1, std::memory_order_relaxed);
    return {.is_admitted = true, .suppressed_before = before > kLinesMax ? before - kLinesMax : 0};
  }
  const std::uint32_t count = lines_.fetch_add(1, std::memory_order_relaxed) + 1;
  return {.is_admitted = count <= kLinesMax, .is_first_suppressed = count == kLinesMax + 1};
}

std::string_view LogSite::file() const {
  const std::string_view path(file_);
  return path.substr(path.rfind('/') + 1);
}

}  // namespace viaduct::base

fmt::format_context::iterator fmt::formatter<viaduct::base::Quoted>::format(viaduct::base::Quoted value,
                                                                            fmt::format_context& context) const {
  using namespace viaduct::base;
  const bool has_quotes = needs_quotes(value.text);
  const std::size_t kept = utf8_cut(value.text, kQuotedBytesMax);
  fmt::memory_buffer text;
  if (has_quotes) text.push_back('"');
  append_escaped(text, value.text.substr(0, kept), has_quotes ? Quotes::kEscape : Quotes::kKeep);
  if (kept < value.text.size()) text.append(std::string_view("..."));
  if (has_quotes) text.push_back('"');
  return std::copy(text.begin(), text.end(), context.out());
}

// SPDX-License-Identifier: Apache-2.0
// Where whole log lines go: a file that is appended to, or a standard stream. A batch of lines is one write(2), so that
// lines of different threads never mix. Nothing here waits for a slow reader or a full disk: what cannot be written now
// is kept (kBacklogBytesMax) and goes out first when it can; beyond that, lines are counted as lost, and standard error
// is told once. One sink is shared by all threads; every function is thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace viaduct::base {

class LogSink {
 public:
  static constexpr std::size_t kBacklogBytesMax = 1024 * 1024;
  // How long the destructor waits for a slow reader of what is left.
  static constexpr Duration kDrainAtEnd = std::chrono::seconds(1);

  // Opens `path` for appending and makes the file (mode 0640: lines hold personal data) where there is none. "-" and
  // "/dev/stdout" are standard output, "/dev/stderr" is standard error; these always open. An error names the path.
  static Result<std::unique_ptr<LogSink>> open(std::string path);
  // Writes to a descriptor that stays the caller's and outlives the sink.
  static std::unique_ptr<LogSink> on_stream(int descriptor);

 private:
  // How a descriptor is kept from blocking the thread that writes.
  enum class Kind : std::uint8_t {
    kFile,      // never blocks: a regular file, or opened with O_NONBLOCK
    kSocket,    // send(2) with MSG_DONTWAIT
    kBlocking,  // shared with other programs and blocking: asked by poll(2) before each piece
  };
  struct Target {
    std::string path;  // empty for a stream
    int descriptor;
    Kind kind;
    bool is_owned;
  };

 public:
  // Only the functions above can name a Target.
  explicit LogSink(Target target);
  ~LogSink();
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  // Appends `lines`, each ending in a line feed.
  void write(std::string_view lines);
  // Tries to write what earlier calls left behind.
  void flush();
  // The same, and waits for a slow reader, at most `limit` in all.
  void drain(Duration limit);
  // True while lines wait: call flush() again later.
  bool has_backlog() const { return backlog_bytes_.load(std::memory_order_relaxed) > 0; }
  // Closes the file and opens its path again: after somebody moved it away (log rotation). On an error the old file
  // stays in use. Does nothing for standard streams.
  Result<void> reopen();
  // Whether `descriptor` leads to the same file, pipe or terminal.
  bool leads_where(int descriptor);
  // Lines that were given up since the start.
  std::uint64_t lost_lines() const { return lost_lines_.load(std::memory_order_relaxed); }

 private:
  static Result<int> open_file(const std::string& path);
  std::size_t write_now(std::string_view bytes);
  long write_piece(std::string_view bytes);
  void flush_locked();
  void keep(std::string_view bytes);
  void lose_lines(std::string_view bytes);
  void report_failure(int error_number);
  void tell_standard_error(std::string_view line) const;

  std::mutex mutex_;  // guards all below but the atomics and the target's constant parts
  Target target_;     // its descriptor changes, the rest does not
  std::string backlog_;
  bool is_mid_line_ = false;  // the last byte written was not a line's end
  bool is_failing_ = false;   // standard error has been told
  std::atomic<std::size_t> backlog_bytes_ = 0;
  std::atomic<std::uint64_t> lost_lines_ = 0;
};

}  // namespace viaduct::base

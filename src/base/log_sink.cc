// SPDX-License-Identifier: Apache-2.0
#include "base/log_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>
#include <utility>

#include "base/format.h"

namespace viaduct::base {
namespace {

constexpr int kAppendFlags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
constexpr mode_t kFileMode = 0640;

bool takes_bytes(int descriptor, int wait_ms) {
  pollfd entry{.fd = descriptor, .events = POLLOUT, .revents = 0};
  return ::poll(&entry, 1, wait_ms) == 1 && (entry.revents & POLLOUT) != 0;
}

bool would_block(int error_number) {
  return error_number == EAGAIN || error_number == EWOULDBLOCK;
}

bool is_same_file(int left, int right) {
  struct stat one{};
  struct stat other{};
  if (::fstat(left, &one) != 0 || ::fstat(right, &other) != 0) return false;
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace

LogSink::LogSink(Target target) : target_(std::move(target)) {}

LogSink::~LogSink() {
  drain(kDrainAtEnd);
  if (target_.is_owned) ::close(target_.descriptor);
}

Result<std::unique_ptr<LogSink>> LogSink::open(std::string path) {
  if (path == "-" || path == "/dev/stdout") return on_stream(STDOUT_FILENO);
  if (path == "/dev/stderr") return on_stream(STDERR_FILENO);
  const Result<int> descriptor = open_file(path);
  if (!descriptor.has_value()) return std::unexpected(descriptor.error());
  return std::make_unique<LogSink>(Target{std::move(path), *descriptor, Kind::kFile, true});
}

std::unique_ptr<LogSink> LogSink::on_stream(int descriptor) {
  struct stat status{};
  const bool is_known = ::fstat(descriptor, &status) == 0;
  Kind kind = Kind::kBlocking;
  if (is_known && S_ISSOCK(status.st_mode)) kind = Kind::kSocket;
  // A regular file is written through the shared descriptor, since its position is shared with other writers too.
  if (is_known && S_ISREG(status.st_mode)) kind = Kind::kFile;
  if (kind == Kind::kBlocking) {
    // O_NONBLOCK belongs to the open file, which other programs share; opening the pipe or terminal anew gives one that
    // is ours alone.
    const int own = ::open(format("/proc/self/fd/{}", descriptor).c_str(), kAppendFlags);
    if (own != -1) return std::make_unique<LogSink>(Target{{}, own, Kind::kFile, true});
  }
  return std::make_unique<LogSink>(Target{{}, descriptor, kind, false});
}

Result<int> LogSink::open_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), kAppendFlags | O_CREAT, kFileMode);
  if (descriptor == -1) return fail_errno(format("log file {}: cannot be opened for appending", path), errno);
  return descriptor;
}

void LogSink::write(std::string_view lines) {
  if (lines.empty()) return;
  const std::scoped_lock lock(mutex_);
  flush_locked();
  if (backlog_.empty()) lines.remove_prefix(write_now(lines));
  if (!lines.empty()) keep(lines);
}

void LogSink::flush() {
  const std::scoped_lock lock(mutex_);
  flush_locked();
}

void LogSink::drain(Duration limit) {
  const MonoTime end = SystemClock().mono_now() + limit;
  const std::scoped_lock lock(mutex_);
  flush_locked();
  while (!backlog_.empty()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - SystemClock().mono_now());
    if (left.count() <= 0 || !takes_bytes(target_.descriptor, static_cast<int>(left.count()))) break;
    const std::size_t before = backlog_.size();
    flush_locked();
    // A full disk is always ready and never takes anything.
    if (backlog_.size() == before) break;
  }
}

bool LogSink::leads_where(int descriptor) {
  const std::scoped_lock lock(mutex_);
  return is_same_file(target_.descriptor, descriptor);
}

Result<void> LogSink::reopen() {
  const std::scoped_lock lock(mutex_);
  if (target_.path.empty()) return {};
  flush_locked();
  const Result<int> descriptor = open_file(target_.path);
  if (!descriptor.has_value()) return std::unexpected(descriptor.error());
  const bool is_other_file = !is_same_file(target_.descriptor, *descriptor);
  ::close(target_.descriptor);
  target_.descriptor = *descriptor;
  if (is_mid_line_ && is_other_file) {
    // The first part of this line is in the old file.
    const std::size_t rest = std::min(backlog_.find('\n') + 1, backlog_.size());
    lose_lines(std::string_view(backlog_).substr(0, rest));
    backlog_.erase(0, rest);
    backlog_bytes_.store(backlog_.size(), std::memory_order_relaxed);
    is_mid_line_ = false;
  }
  flush_locked();
  return {};
}

// Writes as much of `bytes` as the descriptor takes and returns how much that was. One call writes all of it but where
// the disk is full or the reader slow.
std::size_t LogSink::write_now(std::string_view bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const long count = write_piece(bytes.substr(written));
    if (count == -1 && errno == EINTR) continue;
    if (count == -1 && !would_block(errno)) report_failure(errno);
    if (count <= 0) break;
    written += static_cast<std::size_t>(count);
  }
  if (written > 0) is_mid_line_ = bytes[written - 1] != '\n';
  if (written == bytes.size() && is_failing_) {
    is_failing_ = false;
    tell_standard_error(format("viaduct: log file {} is written again, {} lines were lost since the start\n",
                               target_.path, lost_lines()));
  }
  return written;
}

long LogSink::write_piece(std::string_view bytes) {
  if (target_.kind == Kind::kSocket)
    return ::send(target_.descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (target_.kind == Kind::kBlocking) {
    // A pipe that poll(2) calls writable takes PIPE_BUF bytes without waiting.
    if (!takes_bytes(target_.descriptor, 0)) {
      errno = EAGAIN;
      return -1;
    }
    return ::write(target_.descriptor, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
  }
  return ::write(target_.descriptor, bytes.data(), bytes.size());
}

void LogSink::flush_locked() {
  if (backlog_.empty()) return;
  backlog_.erase(0, write_now(backlog_));
  backlog_bytes_.store(backlog_.size(), std::memory_order_relaxed);
}

void LogSink::keep(std::string_view bytes) {
  // The rest of a batch whose first part is written is kept whatever its size, or a line would end in its middle.
  if (!backlog_.empty() && backlog_.size() + bytes.size() > kBacklogBytesMax) {
    lose_lines(bytes);
    report_failure(ENOBUFS);
    return;
  }
  backlog_.append(bytes);
  backlog_bytes_.store(backlog_.size(), std::memory_order_relaxed);
}

void LogSink::lose_lines(std::string_view bytes) {
  lost_lines_.fetch_add(static_cast<std::uint64_t>(std::ranges::count(bytes, '\n')), std::memory_order_relaxed);
}

void LogSink::report_failure(int error_number) {
  if (is_failing_) return;
  is_failing_ = true;
  tell_standard_error(
      format("viaduct: log file {} cannot be written: {}; the next {} bytes are kept, then lines are "
             "lost\n",
             target_.path, std::generic_category().message(error_number), kBacklogBytesMax));
}

void LogSink::tell_standard_error(std::string_view line) const {
  if (target_.path.empty() || !takes_bytes(STDERR_FILENO, 0)) return;
  // Nobody is left to be told when this fails.
  [[maybe_unused]] const ssize_t count = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace viaduct::base

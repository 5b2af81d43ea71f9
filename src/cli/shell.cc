// SPDX-License-Identifier: Apache-2.0
#include "cli/shell.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "os/child.h"
#include "os/fd.h"

namespace viaduct::cli {
namespace {

constexpr int kExitPollMilliseconds = 5;

int milliseconds_until(base::MonoTime deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - base::SystemClock().mono_now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

// Reads until the other side has ended; false when `deadline` came first.
bool read_all(int pipe, base::MonoTime deadline, std::string& output) {
  std::array<char, 4096> bytes;
  for (;;) {
    pollfd ready{.fd = pipe, .events = POLLIN, .revents = 0};
    const int count = ::poll(&ready, 1, milliseconds_until(deadline));
    if (count == -1 && errno == EINTR) continue;
    if (count <= 0) return false;
    const ssize_t got = ::read(pipe, bytes.data(), bytes.size());
    if (got == -1 && errno == EINTR) continue;
    if (got <= 0) return true;
    const std::size_t room = kShellOutputBytesMax - output.size();
    output.append(bytes.data(), std::min(static_cast<std::size_t>(got), room));
  }
}

// Waits for the end of `pid` and leaves its number taken; false when `deadline` came first.
bool wait_for_end(pid_t pid, base::MonoTime deadline) {
  for (;;) {
    siginfo_t information{};
    const int result = ::waitid(P_PID, static_cast<id_t>(pid), &information, WEXITED | WNOHANG | WNOWAIT);
    if (result == 0 && information.si_pid == pid) return true;
    const int left = milliseconds_until(deadline);
    if (left == 0) return false;
    // A shell ends when its output does, as a rule; this is for one that has closed it before.
    ::poll(nullptr, 0, std::min(left, kExitPollMilliseconds));
  }
}

// The exit code of `pid`, which has ended or is ending.
int reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) == -1 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

base::Result<ShellResult> run_in_shell(const std::string& line, base::Duration timeout, const std::stop_token& stop) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) == -1) return base::fail_errno("cannot make a pipe", errno);
  const os::Fd reading(ends[0]);
  os::Fd writing(ends[1]);
  const base::MonoTime deadline = base::SystemClock().mono_now() + timeout;
  const auto pid = os::start_child({.command = {"/bin/sh", "-c", line},
                                    .environment = {},
                                    .without = {},
                                    .descriptors = {},
                                    .output = writing.get(),
                                    .leads_group = true});
  if (!pid) return std::unexpected(pid.error());
  writing.reset();
  ShellResult result;
  bool has_ended = false;
  {
    // Goes before the process is reaped, so that it never hits another one that got its number.
    const std::stop_callback kill_group(stop, [group = *pid] { ::kill(-group, SIGKILL); });
    has_ended = read_all(reading.get(), deadline, result.output) && wait_for_end(*pid, deadline);
  }
  result.is_cut = !has_ended || stop.stop_requested();
  if (!has_ended) ::kill(-*pid, SIGKILL);
  result.exit_code = reap(*pid);
  return result;
}

std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-./:,@%+=";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string word = "'";
  for (const char byte : text) {
    if (byte == '\'') {
      word += "'\\''";
    } else {
      word += byte;
    }
  }
  return word + "'";
}

}  // namespace viaduct::cli

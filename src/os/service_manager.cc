// SPDX-License-Identifier: Apache-2.0
#include "os/service_manager.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <chrono>

#include "base/format.h"
#include "os/socket.h"

namespace viaduct::os {
namespace {

// Lines are what separates one message from the next.
std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

void notify_ready(const std::string& status) {
  ::sd_notify(0, base::format("READY=1\nSTATUS={}", one_line(status)).c_str());
}

void notify_reloading() {
  const auto now = base::SystemClock().mono_now().time_since_epoch();
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  ::sd_notify(0, base::format("RELOADING=1\nMONOTONIC_USEC={}", microseconds).c_str());
}

void notify_stopping(const std::string& status) {
  ::sd_notify(0, base::format("STOPPING=1\nSTATUS={}", one_line(status)).c_str());
}

void notify_successor(pid_t pid) {
  ::sd_notify(0, base::format("MAINPID={}", pid).c_str());
}

void feed_watchdog() {
  ::sd_notify(0, "WATCHDOG=1");
}

std::optional<base::Duration> watchdog_interval() {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

std::vector<Fd> take_activated_sockets() {
  std::vector<Fd> sockets;
  const int count = ::sd_listen_fds(1);
  for (int i = 0; i < count; ++i) {
    const int descriptor = SD_LISTEN_FDS_START + i;
    // Whoever promises more than it gives leaves numbers that may be somebody else's by now.
    if (!is_listening(descriptor)) continue;
    make_own(descriptor);
    sockets.emplace_back(descriptor);
  }
  return sockets;
}

}  // namespace viaduct::os

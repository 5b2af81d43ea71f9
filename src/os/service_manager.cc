// SPDX-License-Identifier: Apache-2.0
#include "os/service_manager.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "os/socket.h"

namespace viaduct::os {
namespace {

// Lines are what separates one message from the next.
std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

// The names of the descriptors, in their order.
std::vector<std::string> listed_names() {
  std::vector<std::string> names;
  const char* const variable = std::getenv("LISTEN_FDNAMES");
  if (variable == nullptr) return names;
  std::string_view text = variable;
  for (std::size_t end = 0; end != std::string_view::npos; text.remove_prefix(std::min(end + 1, text.size()))) {
    end = text.find(':');
    names.emplace_back(text.substr(0, end));
  }
  return names;
}

}  // namespace

bool has_service_manager() {
  return std::getenv("NOTIFY_SOCKET") != nullptr;
}

void notify_ready(const std::string& status) {
  ::sd_notify(0, base::format("READY=1\nSTATUS={}", one_line(status)).c_str());
}

void notify_status(const std::string& status) {
  ::sd_notify(0, base::format("STATUS={}", one_line(status)).c_str());
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

std::vector<GivenSocket> take_given_sockets() {
  std::vector<GivenSocket> sockets;
  std::vector<std::string> names = listed_names();
  const int count = ::sd_listen_fds(1);
  if (std::cmp_not_equal(names.size(), count)) names.clear();  // whose names would these be?
  for (int i = 0; i < count; ++i) {
    const int descriptor = SD_LISTEN_FDS_START + i;
    GivenSocket& socket = sockets.emplace_back();
    if (!names.empty()) socket.name = names[static_cast<std::size_t>(i)];
    // Whoever promises more than it gives leaves numbers that may be somebody else's by now.
    if (!is_listening(descriptor)) continue;
    make_own(descriptor);
    socket.fd = Fd(descriptor);
  }
  return sockets;
}

void store_sockets(const std::string& name, std::span<const int> sockets) {
  // It need not look whether they are still open: nobody but us ends them.
  const std::string text = base::format("FDSTORE=1\nFDNAME={}\nFDPOLL=0", name);
  while (!sockets.empty()) {
    const auto some = sockets.first(std::min(sockets.size(), kStoredAtOnce));
    ::sd_pid_notify_with_fds(0, 0, text.c_str(), some.data(), static_cast<unsigned>(some.size()));
    sockets = sockets.subspan(some.size());
  }
}

void forget_sockets(const std::string& name) {
  ::sd_notify(0, base::format("FDSTOREREMOVE=1\nFDNAME={}", name).c_str());
}

}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
// What systemd hears of this process while it serves: its state in a line, and the listening sockets of all workers,
// which systemd keeps (FDSTORE in sd_notify(3)) and gives to the next process when this one has crashed or is started
// anew, so that nobody who connects meanwhile is refused. Each listener's sockets have a name in that store which says
// the address that the config had for it. A process that takes the place of another at an upgrade is not heard before
// that one has told who serves now, and says all of it then. Owned by the supervisor, main thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/listener_table.h"
#include "net/loop.h"
#include "os/fd.h"

namespace viaduct::daemon {

// "listener-0.0.0.0%3A443", or with the port that the kernel chose "listener-127.0.0.1%3A0,127.0.0.1%3A41234"; empty
// for a path of a Unix socket that makes too long a name, which then is not stored.
std::string stored_name(const base::SocketAddress& wanted, const base::SocketAddress& local);
// The address of the config in a name; absent where it is none of ours.
std::optional<base::SocketAddress> wanted_of_stored_name(std::string_view name);

class ServiceReports final : private net::FdHandler {
 public:
  // `loop` must outlive the object.
  explicit ServiceReports(net::Loop& loop);
  ServiceReports(const ServiceReports&) = delete;
  ServiceReports& operator=(const ServiceReports&) = delete;

  // The sockets that systemd has given to this process: of socket units, and those stored before, one entry for all
  // that one listener had. What is stored and of no use is dropped from the store. Once, before anything else.
  std::vector<InheritedListener> take_sockets();
  // This process has been handed `sockets` by another, to which systemd listens until it closes the other end of
  // `told`; empty: it will not say so, and nobody waits for it. Instead of take_sockets().
  void follow(const std::vector<InheritedListener>& sockets, os::Fd told);
  // `status` is the state from now on and `rows` are all listeners; the first time, that the process serves.
  void serve(std::string status, const std::vector<BoundListener>& rows);

 private:
  enum class Mode : std::uint8_t { kStarting, kFollowing, kHeard };

  void on_fd_readable() override;
  void on_fd_writable() override {}
  void take(os::Fd socket, std::string_view name, std::vector<InheritedListener>& taken);
  void say_all();

  os::Fd told_;
  net::FdWatch watch_;  // of told_
  Mode mode_ = Mode::kStarting;
  // What the store holds of ours, by name, and whether this process has put it there.
  std::map<std::string, bool> stored_;
  // ---- said last, or to be said when systemd listens
  std::string status_;
  std::vector<BoundListener> rows_;
};

}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
// What a process hands to the one that takes its place at an upgrade, and how it hears of it: the listening sockets of
// all workers, the admin socket, the keys of session tickets, the operator's orders, and a pipe that says when the new
// process serves. The descriptors are inherited; the rest stands in an anonymous file, named by an environment
// variable. The format is of one version of the program to the next: a reader ignores what it does not know.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "daemon/listener_table.h"
#include "os/fd.h"
#include "tls/ticket_keys.h"

namespace viaduct::daemon {

// VIADUCT_HANDOVER="FILE PIPE", both numbers of descriptors.
inline constexpr const char* kHandoverVariable = "VIADUCT_HANDOVER";
// What the new process writes into the pipe; anything else is why it does not serve.
inline constexpr std::string_view kHandoverReady = "ready\n";

// The giving side. The descriptors stay the giver's.
struct HandoverOffer {
  const std::vector<BoundListener>& listeners;
  std::string admin_path;  // empty: none
  int admin_socket = -1;
  bool admin_owns_file = true;
  // Where the health listener is, as the config says it; absent: nowhere.
  std::optional<base::SocketAddress> health{};
  int health_socket = -1;
  // The reading end of a pipe that ends when systemd has heard that the new process serves; -1: nobody says so.
  int told = -1;
  std::vector<std::string> orders{};  // commands, as in daemon/orders.h
  const tls::TicketKeys& ticket_keys;
};
// Writes the anonymous file.
base::Result<os::Fd> write_handover(const HandoverOffer& offer);

// The taking side: owns all that it was given.
class Handover {
 public:
  // What this process was started with; null where it takes nobody's place. The environment forgets it. An error says
  // what was not as it should be: then this process must end.
  static base::Result<std::unique_ptr<Handover>> take();

  // For take() alone.
  explicit Handover(os::Fd ready) : ready_(std::move(ready)) {}
  // Where nobody has said how it went, it went wrong.
  ~Handover();
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  std::vector<InheritedListener> listeners;
  std::string admin_path;
  os::Fd admin_socket;
  bool admin_owns_file = true;  // who listens removes it at the end
  std::optional<InheritedListener> health;
  os::Fd told;  // as in the offer; empty: nobody says so
  std::vector<std::string> orders;
  tls::TicketKeys::Secret ticket_keys{};

  // Tells the process before this one that it is served from here, or why it is not. Once.
  void report_ready();
  void report_failure(std::string_view why);

 private:
  base::Result<void> read(int file);
  void take_told(int descriptor);
  void report(std::string_view text);

  os::Fd ready_;
};

}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
// A server whose every move is the test's: it listens on a free port of the loopback (or on a Unix socket) in the loop
// under test, keeps what its clients send, and says, ends, resets or stops reading when it is told to. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "config/types.h"
#include "net/listener.h"
#include "net/loop.h"
#include "os/fd.h"

namespace viaduct::support {

// One client of a ScriptedServer.
class ScriptedConnection final : private net::FdHandler {
 public:
  ScriptedConnection(net::Loop& loop, os::Fd fd);

  std::string received;
  bool is_ended = false;  // the client ended its direction
  bool is_reset = false;  // the client cut the connection
  std::function<void(ScriptedConnection&)> on_bytes;

  // Sends all of `bytes`, now or when there is room.
  void send(std::string_view bytes);
  bool has_sent_all() const { return unsent_.empty(); }
  // Stops taking bytes, so that the client's writes come to a halt.
  void set_reading(bool reading) { watch_.set_reading(reading); }
  // Ends our direction.
  void finish();
  // Closes; the client sees a reset where bytes of it were not read.
  void close();
  // Cuts the connection.
  void reset();
  bool is_open() const { return static_cast<bool>(fd_); }
  // Takes `count` whole requests without body out of `received`; false when there are fewer.
  bool take_request();

 private:
  void on_fd_readable() override;
  void on_fd_writable() override;

  os::Fd fd_;
  net::FdWatch watch_;
  std::string unsent_;
};

class ScriptedServer final : private net::AcceptHandler {
 public:
  // Listens on loopback(), at a port that the kernel chooses.
  explicit ScriptedServer(net::Loop& loop);
  // Listens on a Unix socket.
  ScriptedServer(net::Loop& loop, const std::string& unix_path);

  // What a config says of this server.
  config::Server config() const;
  const base::SocketAddress& address() const { return address_; }
  // Every connection so far, the closed ones too.
  std::vector<std::unique_ptr<ScriptedConnection>> connections;
  std::function<void(ScriptedConnection&)> on_bytes;  // of all connections
  std::function<void(os::Fd)> on_socket;              // takes accepted sockets over, for servers that speak TLS

  ScriptedConnection& last() { return *connections.back(); }
  // Refuses connections from now on.
  void stop() { listener_->close(); }
  // Answers every request without body on every connection, as long as it stays open.
  void answer_all(std::string response);
  int answered() const { return answered_; }

 private:
  void listen(const base::SocketAddress& wanted);
  void on_accept(os::Fd fd, const base::SocketAddress& peer, int listener_id) override;

  net::Loop& loop_;
  base::SocketAddress address_;
  std::unique_ptr<net::Listener> listener_;
  std::string response_;
  int answered_ = 0;
};

// A port of 127.0.0.1 on which nobody listens, kept from others as long as this lives.
class RefusingPort {
 public:
  RefusingPort();
  config::Server config() const;
  std::uint16_t port() const { return port_; }

 private:
  os::Fd fd_;  // bound and not listening
  std::uint16_t port_ = 0;
};

// A port of 127.0.0.1 on which connections are never made: its queue is full and nobody accepts.
class SilentPort {
 public:
  SilentPort();
  config::Server config() const;

 private:
  os::Fd listener_;
  std::vector<os::Fd> waiting_;
  std::uint16_t port_ = 0;
};

}  // namespace viaduct::support

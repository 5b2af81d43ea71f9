// SPDX-License-Identifier: Apache-2.0
// Clients and servers with a thread of their own, for tests of what runs in other threads: blocking sockets that give
// up after a while, so that a test fails instead of hanging. Each object belongs to one thread.
#pragma once

#include <string>
#include <string_view>

#include "base/ip.h"
#include "os/fd.h"

namespace viaduct::support {

class BlockingClient {
 public:
  // Connects; is_connected() says whether that worked.
  explicit BlockingClient(const base::SocketAddress& address);
  // Takes a connected socket.
  explicit BlockingClient(os::Fd fd);

  bool is_connected() const { return is_connected_; }
  int fd() const { return fd_.get(); }
  // False when the other end is gone.
  bool send(std::string_view bytes);
  // Reads until `end` has come, and returns all since the last call; what came so far where the other end closes or
  // nothing comes.
  std::string read_until(std::string_view end);
  // Reads to the end of the connection.
  std::string read_all();
  // Cuts the connection, so that the other end sees a reset.
  void cut();
  // After a read: the other end has cut the connection.
  bool was_reset() const { return was_reset_; }

 private:
  // Reads once; false at the end.
  bool read_some();
  void set_patience();

  os::Fd fd_;
  bool is_connected_ = false;
  bool was_reset_ = false;
  std::string received_;
};

// The answer to one GET on a connection of its own; empty where there was none.
std::string get(const base::SocketAddress& address, std::string_view target = "/",
                std::string_view host = "www.example.com");

// Listens on a free port of the loopback; the test accepts.
class BlockingServer {
 public:
  BlockingServer();
  const base::SocketAddress& address() const { return address_; }
  // Waits for a client.
  BlockingClient accept();

 private:
  os::Fd fd_;
  base::SocketAddress address_;
};

}  // namespace viaduct::support

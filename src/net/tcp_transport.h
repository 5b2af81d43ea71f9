// SPDX-License-Identifier: Apache-2.0
// A plain byte stream over a connected TCP or Unix socket. See net/transport.h for the contract. Owned by a connection
// of either side; one worker's thread.
#pragma once

#include "net/loop.h"
#include "net/transport.h"
#include "os/fd.h"

namespace viaduct::net {

// What is known of a socket that has sent all that it will, the end too. Unix sockets refuse at once, by write().
Delivery delivery_of(int fd);

class TcpTransport final : public Transport, private FdHandler, private TurnEnd {
 public:
  // A read takes this many chunks at most; it starts with one and doubles while reads come back full.
  static constexpr unsigned kReadChunksMax = 16;

  // Takes a connected, non-blocking socket. `loop` must outlive the transport.
  TcpTransport(Loop& loop, os::Fd fd);

  void start(TransportHandler& handler) override;
  IoResult read(base::Buffer& into) override;
  IoResult write(base::Buffer& from) override;
  void set_reading(bool reading) override { watch_.set_reading(reading && fd_.get() >= 0); }
  void shutdown() override;
  void close(bool abortive) override;
  Delivery delivery() const override { return delivery_of(fd_.get()); }
  const TlsInfo* tls_info() const override { return nullptr; }

 private:
  void on_fd_readable() override { handler_->on_transport_readable(); }
  void on_fd_writable() override;
  void on_turn_end() override { handler_->on_transport_ready(); }

  Loop& loop_;
  os::Fd fd_;
  FdWatch watch_;
  TransportHandler* handler_ = nullptr;
  unsigned read_chunks_ = 1;
  bool is_shut_down_ = false;
};

// The outcome of a failed or short read(2), recv(2) or write(2): kAgain for EAGAIN and EINTR, else kFailed.
IoStatus io_status_of_errno(int error_number);
// Makes close(2) send a reset.
void set_abortive_close(int fd);

}  // namespace viaduct::net

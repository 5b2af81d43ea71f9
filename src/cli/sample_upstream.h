// SPDX-License-Identifier: Apache-2.0
// A small HTTP/1.1 server for `viaduct demo`, so that it needs no other program: what the answers are is in
// cli/sample_answer. Listens on a free port of 127.0.0.1, with a thread and a loop of its own. Made, asked for its
// address and destroyed by one thread; nothing of it is for the public.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/intrusive_list.h"
#include "base/ip.h"
#include "cli/sample_connection.h"
#include "net/listener.h"
#include "net/loop.h"

namespace viaduct::cli {

class SampleUpstream final : private net::AcceptHandler {
 public:
  // More connections than this are closed as they come.
  static constexpr std::size_t kConnectionsMax = 256;

  // Listens and starts the thread; `name` is what the answers say. `clock` must outlive the object.
  static base::Result<std::unique_ptr<SampleUpstream>> start(std::string name, const base::Clock& clock);
  // For start() alone.
  SampleUpstream(std::string name, const base::Clock& clock, os::Fd fd);
  // Cuts what is under way and ends the thread.
  ~SampleUpstream();
  SampleUpstream(const SampleUpstream&) = delete;
  SampleUpstream& operator=(const SampleUpstream&) = delete;

  const std::string& name() const { return name_; }
  const base::SocketAddress& address() const { return address_; }

 private:
  class End;

  void run();
  void end();
  void on_accept(os::Fd fd, const base::SocketAddress& peer, int listener_id) override;

  std::string name_;
  base::SocketAddress address_;
  net::Loop loop_;
  base::IntrusiveList<SampleConnection, SampleConnection> connections_;
  net::Listener listener_;
  std::thread thread_;
};

}  // namespace viaduct::cli

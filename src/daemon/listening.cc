// SPDX-License-Identifier: Apache-2.0
#include "daemon/listening.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace viaduct::daemon {

Listening::Listening(net::Loop& loop, ListeningOwner& owner, WorkerListener setup)
    : loop_(loop),
      owner_(owner),
      number_(setup.number),
      local_(std::move(setup.local)),
      options_(setup.options),
      drain_timer_(loop.timers(), *this) {
  net::AcceptHandler& acceptor = *this;
  for (os::Fd& socket : setup.sockets) {
    sockets_.push_back(std::make_unique<net::Listener>(loop_, std::move(socket), acceptor, 0));
  }
}

void Listening::change(const WorkerListener& setup) {
  options_ = setup.options;
  connections_.for_each(
      [this](Connection& connection) { connection.set_redirect(options_.redirect_to_https, options_.https_port); });
}

void Listening::add(Connection& connection) {
  connections_.push_back(connection);
  // It has not been served yet, whatever the mode.
  if (drain_ != DrainMode::kNone) connection.begin_drain(DrainMode::kPatient);
}

bool Listening::make_room() {
  Connection* most_silent = nullptr;
  base::MonoTime earliest = base::MonoTime::max();
  connections_.for_each([&](Connection& connection) {
    const base::MonoTime since = connection.silent_since().value_or(base::MonoTime::max());
    if (since >= earliest) return;
    earliest = since;
    most_silent = &connection;
  });
  if (most_silent == nullptr) return false;
  most_silent->make_room();
  return true;
}

void Listening::drain(DrainMode mode, base::Duration deadline) {
  drain_ = std::max(drain_, mode);
  // Who is told to go at once has not been promised anything: only a patient end serves those that wait.
  if (drain_ == DrainMode::kPatient) {
    for (const auto& socket : sockets_) socket->take_waiting();
  }
  for (const auto& socket : sockets_) socket->close();
  connections_.for_each([this](Connection& connection) { connection.begin_drain(drain_); });
  drain_end_ = loop_.now() + deadline;
  const bool is_patient = drain_ == DrainMode::kPatient;
  drain_timer_.start_after(is_patient ? deadline - std::min(kFinishTime, deadline / 2) : deadline);
}

void Listening::cut() {
  std::size_t count = 0;
  connections_.for_each([&count](const Connection&) { ++count; });
  if (count > 0) LOG_WARNING("drain_deadline address={} connections_cut={}", local_.to_string(), count);
  while (!connections_.empty()) connections_.front().close_now();
}

void Listening::on_accept(os::Fd fd, const base::SocketAddress& peer, int) {
  owner_.on_accept(*this, std::move(fd), peer);
}

void Listening::on_timer(int) {
  if (drain_ != DrainMode::kPatient) return cut();
  drain(DrainMode::kNow, std::max(drain_end_ - loop_.now(), base::Duration(0)));
  owner_.on_patience_over(*this);
}

}  // namespace viaduct::daemon

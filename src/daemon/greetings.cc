// SPDX-License-Identifier: Apache-2.0
#include "daemon/greetings.h"

#include <memory>
#include <utility>

#include "base/log.h"
#include "daemon/listening.h"

namespace viaduct::daemon {

void Greetings::take(os::Fd fd, const net::ProxyGreeting::From& from, const config::Client& client) {
  const Listening* listening = owner_.find_listening(from.listener);
  if (listening == nullptr) return;
  // Who may connect to a Unix socket is the file system's business.
  if (!listening->local().is_unix() && !listening->options().proxy_from.contains(from.sender.ip())) {
    return refuse(from.sender, http::Reason::kProxySenderNotAllowed);
  }
  if (!limits_.enter(client)) return refuse(from.sender, http::Reason::kConnectionLimit);
  net::ProxyGreetingHandler& handler = *this;
  // Frees itself through Loop::retire.
  auto& greeting = *std::make_unique<net::ProxyGreeting>(loop_, handler, std::move(fd), from).release();
  waiting_.push_back(greeting);
  greeting.start(client.handshake_timeout);
}

bool Greetings::has(std::uint32_t listener) {
  bool is_there = false;
  waiting_.for_each(
      [&](const net::ProxyGreeting& greeting) { is_there = is_there || greeting.from().listener == listener; });
  return is_there;
}

void Greetings::cancel(std::uint32_t listener) {
  waiting_.for_each([&](net::ProxyGreeting& greeting) {
    if (greeting.from().listener == listener) cancel(greeting);
  });
}

void Greetings::cancel_all() {
  while (!waiting_.empty()) cancel(waiting_.front());
}

void Greetings::cancel(net::ProxyGreeting& greeting) {
  greeting.cancel();
  limits_.leave();
}

void Greetings::on_greeted(net::ProxyGreeting& greeting, os::Fd fd, const net::ProxyHeader& header) {
  // From here on the connection counts as its client's.
  limits_.leave();
  Listening* listening = owner_.find_listening(greeting.from().listener);
  if (listening != nullptr) {
    ConnectionEnds ends{.peer = greeting.from().sender, .local = listening->local()};
    if (header.announces) ends = {.peer = header.source, .local = header.destination};
    owner_.on_client_known(*listening, std::move(fd), ends);
  }
  owner_.on_greeting_over();
}

void Greetings::on_greeting_failed(net::ProxyGreeting& greeting, http::Reason reason) {
  limits_.leave();
  // Balancers connect and close again to see whether somebody listens.
  if (reason != http::Reason::kClientClosed) refuse(greeting.from().sender, reason);
  owner_.on_greeting_over();
}

void Greetings::refuse(const base::SocketAddress& sender, http::Reason reason) {
  counters_.count(reason, 0);
  LOG_WARNING("connection_refused reason={} client_ip={}", http::reason_name(reason), sender.ip().to_string());
}

}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
// What became of an upstream::Connector: the connection, or why there is none. For tests of upstream/.
// One thread.
#pragma once

#include <utility>
#include <vector>

#include "config/types.h"
#include "upstream/connector.h"

namespace viaduct::support {

struct ConnectOutcome final : upstream::ConnectHandler {
  int events = 0;
  upstream::ClientConnection* connection = nullptr;
  upstream::ConnectTimes times;
  http::Reason reason = http::Reason::kNone;
  base::Error error;
  bool is_full = false;  // on_connection_full came

  void on_connection_full() override {
    ++events;
    is_full = true;
  }
  void on_connected(upstream::ClientConnection& connected, const upstream::ConnectTimes& taken) override {
    ++events;
    connection = &connected;
    times = taken;
  }
  void on_connect_failed(http::Reason why, const base::Error& what, bool) override {
    ++events;
    reason = why;
    error = what;
  }
};

// An upstream called "app" with these servers.
inline config::Upstream make_upstream(std::vector<config::Server> servers) {
  config::Upstream upstream;
  upstream.name = "app";
  upstream.servers = std::move(servers);
  return upstream;
}

}  // namespace viaduct::support

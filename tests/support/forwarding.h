// SPDX-License-Identifier: Apache-2.0
// A scene whose one route forwards to servers of the test, with what the tests of action/proxy_run do again and again.
// One thread; the clock stands still.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "action/proxy.h"
#include "support/exchange_scene.h"
#include "support/scripted_server.h"

namespace viaduct::support {

inline constexpr std::string_view kOkResponse = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class ForwardingTest : public testing::Test {
 protected:
  using Call = ExchangeScene::Call;

  // One route to an upstream of these servers: connect 2 s, send 3 s, read 4 s.
  void forward_to(std::vector<config::Server> servers) {
    config::Upstream& upstream = scene_.config.upstreams.emplace_back();
    upstream.name = "app";
    upstream.servers = std::move(servers);
    upstream.keepalive.idle = std::chrono::hours(1);
    scene_.add_route().action = std::make_unique<action::ProxyAction>(0);
    route().timeouts = {.connect = std::chrono::seconds(2),
                        .send = std::chrono::seconds(3),
                        .read = std::chrono::seconds(4),
                        .total = std::nullopt};
  }
  config::Route& route() { return scene_.site().routes.back(); }
  void wait_answer(Call& call) {
    scene_.run_until([&] { return call.response.is_complete || call.response.is_reset; });
  }
  Call& ask(const ExchangeScene::Request& request) {
    Call& call = scene_.call(request);
    wait_answer(call);
    return call;
  }
  // Waits until the newest connection of `server` has brought bytes that end so.
  bool until_received(ScriptedServer& server, std::string_view end) {
    return scene_.run_until([&] { return !server.connections.empty() && server.last().received.ends_with(end); });
  }
  // Leaves an idle connection to `server` in the pool; the server says nothing from then on.
  void warm_up(ScriptedServer& server) {
    server.answer_all(std::string(kOkResponse));
    EXPECT_EQ(ask({}).response.status, 200);
    scene_.turn();
    server.on_bytes = nullptr;
    server.last().received.clear();
  }
  // The last line of the access log.
  std::string last_line() {
    scene_.turn();
    const std::string log = scene_.log();
    return log.substr(log.rfind('|') + 1);
  }

  ExchangeScene scene_{"${status} ${reason} ${attempts}"};
};

}  // namespace viaduct::support

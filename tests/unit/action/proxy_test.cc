// SPDX-License-Identifier: Apache-2.0
#include "action/proxy.h"

#include <gtest/gtest.h>

#include "support/exchange_scene.h"
#include "support/scripted_server.h"

namespace viaduct::action {
namespace {

TEST(ProxyAction, SendsEachRouteToTheUpstreamOfItsIndex) {
  support::ExchangeScene scene;
  support::ScriptedServer first(scene.loop);
  support::ScriptedServer second(scene.loop);
  first.answer_all("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst");
  second.answer_all("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond");
  for (const auto& [name, server] : {std::pair{"one", &first}, std::pair{"two", &second}}) {
    config::Upstream& upstream = scene.config.upstreams.emplace_back();
    upstream.name = name;
    upstream.servers = {server->config()};
    config::Route route;
    route.name = name;
    route.match.prefix = {std::string("/") + name};
    scene.add_route(route).action = std::make_unique<ProxyAction>(scene.config.upstreams.size() - 1);
  }
  auto& one = scene.call("GET", "/one");
  auto& two = scene.call("GET", "/two");
  scene.run_until([&] { return one.response.is_complete && two.response.is_complete; });
  EXPECT_EQ(one.response.body, "first");
  EXPECT_EQ(two.response.body, "second");
}

}  // namespace
}  // namespace viaduct::action

// SPDX-License-Identifier: Apache-2.0
// Whole exchanges between a client and a server that both do what the input says: a byte that chooses, then its bytes.
// They send, end, cut and let time pass, in any order. Held: what reaches the server is well-formed requests, the last
// one perhaps in part; what reaches the client first is a well-formed answer, perhaps in part; in the end no connection
// and no exchange is left.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "action/proxy.h"
#include "base/check.h"
#include "base/log.h"
#include "codec/h1_client.h"
#include "daemon/connection.h"
#include "support/client_side.h"
#include "support/h1_wire.h"
#include "support/loopback.h"

namespace {

using namespace std::chrono_literals;
using viaduct::support::ClientSide;
using viaduct::support::H1ClientWire;
using viaduct::support::H1ServerWire;
using viaduct::support::RecordingResponseHandler;
using viaduct::support::RecordingStreamHandler;
using viaduct::support::ScriptedConnection;
using viaduct::support::ScriptedServer;

constexpr std::size_t kStepsMax = 64;
constexpr viaduct::codec::H1Limits kWide{.max_head_size = 1 << 20, .max_fields = 10'000, .max_target_size = 1 << 20};

// What stands around the input's steps.
struct Scene {
  Scene() {
    auto& upstream = side.scene.config.upstreams.emplace_back();
    upstream.name = "app";
    upstream.servers = {server.config()};
    auto& route = side.scene.site().routes.back();
    route.websocket = true;
    route.timeouts = {.connect = 2s, .send = 3s, .read = 4s, .total = 20s};
    side.limits.max_head_size = 2048;
    side.connect();
  }

  ScriptedConnection* upstream_end() {
    for (auto at = server.connections.rbegin(); at != server.connections.rend(); ++at) {
      if ((*at)->is_open()) return at->get();
    }
    return nullptr;
  }

  ClientSide side{std::make_unique<viaduct::action::ProxyAction>(0)};
  ScriptedServer server{side.scene.loop};
};

void step_client(ScriptedConnection& client, unsigned kind, std::string_view bytes) {
  if (!client.is_open()) return;
  if (kind == 0) client.send(bytes);
  if (kind == 1) client.finish();
  if (kind == 2) client.reset();
}

void step_upstream(ScriptedConnection* upstream, unsigned kind, std::string_view bytes) {
  if (upstream == nullptr) return;
  if (kind == 0) upstream->send(bytes);
  if (kind == 1) upstream->finish();
  if (kind == 2) upstream->close();
  if (kind == 3) upstream->reset();
}

// The low three bits choose, the others are how many bytes there are, in eights.
void run(Scene& scene, std::string_view input) {
  for (std::size_t steps = 0; !input.empty() && steps < kStepsMax; ++steps) {
    const auto choice = static_cast<unsigned char>(input.front());
    const std::size_t size = choice % 8 < 2 ? 8U * (choice / 8U) + 4U : 0;
    const std::string_view bytes = input.substr(1, size);
    input.remove_prefix(1 + bytes.size());
    switch (choice % 8) {
      case 0: step_client(scene.side.client(), 0, bytes); break;
      case 1: step_upstream(scene.upstream_end(), 0, bytes); break;
      case 2: step_client(scene.side.client(), 1, {}); break;
      case 3: step_client(scene.side.client(), 2, {}); break;
      case 4: step_upstream(scene.upstream_end(), 1, {}); break;
      case 5: step_upstream(scene.upstream_end(), 2 + (choice / 8U) % 2, {}); break;
      case 6: scene.side.pass(1s); break;
      case 7: break;
    }
    scene.side.settle();
  }
}

bool asks_for_tunnel(const RecordingStreamHandler& stream) {
  return std::ranges::any_of(stream.lines(), [](const std::string& line) { return line.contains(" protocol="); });
}

void check_requests(const Scene& scene) {
  for (const auto& connection : scene.server.connections) {
    H1ServerWire wire(kWide);
    wire.feed(connection->received);
    for (const auto& stream : wire.streams) {
      CHECK(!stream->has("refused "));
      // What comes behind may be a tunnel's bytes, which are nobody's requests.
      if (asks_for_tunnel(*stream)) break;
    }
  }
}

// The first answer; whose method it is the answer to is known where the bytes of the client begin with it.
void check_answer(std::string_view sent, std::string_view received) {
  if (received.empty() || sent.starts_with("HEAD ") || received.starts_with("HTTP/1.1 101 ")) return;
  H1ClientWire wire(kWide);
  RecordingResponseHandler handler(wire.chunks);
  wire.request(handler, "GET");
  wire.feed(received);
  CHECK(!handler.has("reset upstream_invalid_response"));
}

void end(Scene& scene) {
  // By resets, so that few connections are left waiting.
  if (scene.side.client().is_open()) scene.side.client().reset();
  scene.side.settle();
  for (const auto& connection : scene.server.connections) {
    if (connection->is_open()) connection->reset();
  }
  for (int hours = 0; hours < 3; ++hours) scene.side.pass(1h);
  CHECK(scene.side.open_connections() == 0 && scene.side.exchanges() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The fakes' expectations end the run, as a CHECK does; what the process would log is no finding.
  testing::GTEST_FLAG(throw_on_failure) = true;
  viaduct::base::log_threshold = viaduct::base::LogLevel::kError;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  viaduct::support::use_next_loopback();
  Scene scene;
  run(scene, input);
  check_requests(scene);
  // The first step's bytes tell the method, where there is one.
  check_answer(input.substr(std::min<std::size_t>(1, size)), scene.side.client().received);
  end(scene);
  return 0;
}

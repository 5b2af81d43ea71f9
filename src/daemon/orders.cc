// SPDX-License-Identifier: Apache-2.0
#include "daemon/orders.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/format.h"
#include "base/log.h"
#include "config/units.h"
#include "upstream/server.h"

namespace viaduct::daemon {
namespace {

using base::format;
using Words = std::vector<std::string_view>;

constexpr auto kRelaxed = std::memory_order_relaxed;

Words split(std::string_view text) {
  Words words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// What orders are about.
struct Scene {
  const config::Config& config;
  upstream::StateTable& states;
  base::MonoTime now;
};

std::string names_of(const auto& all, auto name) {
  std::string text;
  for (const auto& each : all) text += (text.empty() ? "" : ", ") + name(each);
  return text.empty() ? "none" : text;
}

std::string unknown_upstream(const Scene& scene, std::string_view name) {
  return format("error: there is no upstream {}; there are: {}", name,
                names_of(scene.config.upstreams, [](const config::Upstream& each) { return each.name; }));
}

const config::Upstream* find_upstream(const Scene& scene, std::string_view name) {
  const auto found = std::ranges::find(scene.config.upstreams, name, &config::Upstream::name);
  return found == scene.config.upstreams.end() ? nullptr : &*found;
}

std::string set_drained(const Scene& scene, const Words& words, bool drained) {
  if (words.size() != 3) return format("error: {} UPSTREAM SERVER", words.front());
  const config::Upstream* upstream = find_upstream(scene, words[1]);
  if (upstream == nullptr) return unknown_upstream(scene, words[1]);
  const auto server = std::ranges::find(upstream->servers, words[2], &upstream::server_name);
  if (server == upstream->servers.end()) {
    return format("error: {} has no server {}; it has: {}", upstream->name, words[2],
                  names_of(upstream->servers, &upstream::server_name));
  }
  upstream::UpstreamState& state = scene.states.find(*upstream);
  state.server(*server)->drained.store(drained, kRelaxed);
  if (drained) {
    LOG_WARNING("server_drained upstream={} server={}", upstream->name, words[2]);
  } else {
    LOG_WARNING("server_undrained upstream={} server={}", upstream->name, words[2]);
  }
  const bool is_one_left = std::ranges::any_of(
      upstream->servers, [&](const config::Server& each) { return state.server(each)->is_available(scene.now); });
  return is_one_left ? "ok" : format("ok\nwarning: {} has no server left that requests are sent to", upstream->name);
}

std::string drain(const Scene& scene, const Words& words) {
  return set_drained(scene, words, true);
}

std::string undrain(const Scene& scene, const Words& words) {
  return set_drained(scene, words, false);
}

std::string hold(const Scene& scene, const Words& words) {
  if (words.size() != 2 && words.size() != 3) return "error: hold UPSTREAM [TIME]";
  const config::Upstream* upstream = find_upstream(scene, words[1]);
  if (upstream == nullptr) return unknown_upstream(scene, words[1]);
  base::Duration time = kHoldDefault;
  if (words.size() == 3) {
    const auto parsed = config::parse_duration(words[2]);
    if (!parsed) return "error: " + parsed.error();
    time = *parsed;
  }
  if (time <= base::Duration::zero() || time > kHoldMax) {
    return format("error: requests are held for at most {}", config::format_duration(kHoldMax));
  }
  scene.states.find(*upstream).held_until.store((scene.now + time).time_since_epoch().count(), kRelaxed);
  LOG_WARNING("upstream_held upstream={} for={}", upstream->name, config::format_duration(time));
  return format("ok\nrequests to {} wait for at most {}, or until: viaduct release {}", upstream->name,
                config::format_duration(time), upstream->name);
}

std::string release(const Scene& scene, const Words& words) {
  if (words.size() != 2) return "error: release UPSTREAM";
  const config::Upstream* upstream = find_upstream(scene, words[1]);
  if (upstream == nullptr) return unknown_upstream(scene, words[1]);
  upstream::UpstreamState& state = scene.states.find(*upstream);
  if (!state.is_held(scene.now)) return format("ok\n{} was not held", upstream->name);
  state.held_until.store(0, kRelaxed);
  LOG_WARNING("upstream_released upstream={}", upstream->name);
  return "ok";
}

std::string set_log_level(const Scene&, const Words& words) {
  constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};
  const auto* const level = words.size() == 2 ? std::ranges::find(kLevels, words[1]) : kLevels.end();
  if (level == kLevels.end()) return "error: log-level debug|info|warning|error";
  base::log_threshold.store(static_cast<base::LogLevel>(level - kLevels.begin()), kRelaxed);
  LOG_WARNING("log_level level={}", *level);
  return "ok";
}

struct Order {
  std::string_view word;
  std::string (*carry_out)(const Scene& scene, const Words& words);
};
constexpr std::array kOrders = {Order{"drain", drain}, Order{"undrain", undrain}, Order{"hold", hold},
                                Order{"release", release}, Order{"log-level", set_log_level}};

}  // namespace

std::optional<std::string> carry_out_order(std::string_view command, const config::Config& config,
                                           upstream::StateTable& states, base::MonoTime now) {
  const Words words = split(command);
  if (words.empty()) return std::nullopt;
  const auto* const order = std::ranges::find(kOrders, words.front(), &Order::word);
  if (order == kOrders.end()) return std::nullopt;
  return order->carry_out({.config = config, .states = states, .now = now}, words);
}

std::vector<std::string> orders_in_force(const config::Config& config, upstream::StateTable& states,
                                         base::MonoTime now) {
  std::vector<std::string> orders;
  for (const config::Upstream& upstream : config.upstreams) {
    upstream::UpstreamState* state = states.peek(upstream);
    if (state == nullptr) continue;
    for (const config::Server& server : upstream.servers) {
      if (!state->server(server)->drained.load(kRelaxed)) continue;
      orders.push_back(format("drain {} {}", upstream.name, upstream::server_name(server)));
    }
    if (!state->is_held(now)) continue;
    const base::Duration left(state->held_until.load(kRelaxed) - now.time_since_epoch().count());
    orders.push_back(format("hold {} {}ms", upstream.name, std::chrono::ceil<std::chrono::milliseconds>(left).count()));
  }
  return orders;
}

}  // namespace viaduct::daemon

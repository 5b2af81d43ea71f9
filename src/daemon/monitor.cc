// SPDX-License-Identifier: Apache-2.0
#include "daemon/monitor.h"

#include <utility>

#include "action/immediate_run.h"
#include "base/check.h"
#include "daemon/metrics_page.h"
#include "daemon/readiness.h"
#include "exchange/exchange.h"
#include "observe/exposition.h"
#include "os/socket.h"

namespace viaduct::daemon {
namespace {

struct Page {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string body;
};
using MakePage = Page (*)(const Overview& overview);

Page livez(const Overview& overview) {
  const std::string hanging = overview.hanging();
  if (hanging.empty()) return {.body = "ok\n"};
  return {.status = 503, .body = hanging + "\n"};
}

Page readyz(const Overview& overview) {
  const Readiness readiness = find_readiness(overview);
  return {.status = readiness.is_ready() ? 200 : 503, .content_type = "application/json", .body = readiness.to_json()};
}

Page metrics(const Overview& overview) {
  return {.content_type = observe::Exposition::kContentType, .body = metrics_page(overview)};
}

struct Place {
  const char* path;
  MakePage make;
};
constexpr std::array kPlaces = {Place{"/livez", livez}, Place{"/readyz", readyz}, Place{"/metrics", metrics}};

class PageRun final : public action::ImmediateRun {
 public:
  PageRun(exchange::Exchange& exchange, const Overview& overview, MakePage make)
      : exchange_(exchange), overview_(overview), make_(make) {}

  void start(bool) override {
    const Page page = make_(overview_);
    const exchange::ReplyField no_store{.id = http::FieldName::kCacheControl, .value = "no-store"};
    exchange_.respond({.status = page.status,
                       .content_type = page.content_type,
                       .body = page.body,
                       .fields = std::span(&no_store, 1)});
  }

 private:
  exchange::Exchange& exchange_;
  const Overview& overview_;
  MakePage make_;
};

class PageAction final : public exchange::Action {
 public:
  PageAction(const Overview& overview, MakePage make) : overview_(overview), make_(make) {}
  base::ArenaPtr<exchange::ActionRun> begin(exchange::Exchange& exchange) const override {
    return exchange.arena().make_owned<PageRun>(exchange, overview_, make_);
  }

 private:
  const Overview& overview_;
  MakePage make_;
};

// One site for all hosts, with a route for each page.
std::unique_ptr<const config::Config> make_config() {
  auto config = std::make_unique<config::Config>();
  config->client.max_connections = Monitor::kConnectionsMax;
  config->client.header_timeout = Monitor::kHeaderTimeout;
  config->client.idle_timeout = Monitor::kIdleTimeout;
  config::Site& site = config->sites.emplace_back();
  site.is_default = true;
  for (const Place& place : kPlaces) {
    config::Route& route = site.routes.emplace_back();
    route.name = place.path + 1;
    route.match.exact = {place.path};
    route.match.methods = {"GET"};
    route.action = config::RespondAction{};
  }
  return config;
}

exchange::SnapshotRef make_snapshot(const Overview& overview) {
  auto snapshot = std::make_shared<exchange::Snapshot>();
  snapshot->version = 1;
  snapshot->config = make_config();
  auto router = route::Router::build(*snapshot->config);
  CHECK(router.has_value());
  snapshot->router = std::make_unique<const route::Router>(std::move(*router));
  snapshot->plans.resize(kPlaces.size());
  for (std::uint32_t i = 0; i < kPlaces.size(); ++i) {
    exchange::RoutePlan& plan = snapshot->plans[snapshot->router->route_index(0, i)];
    plan.route = &snapshot->config->sites[0].routes[i];
    plan.action = std::make_unique<PageAction>(overview, kPlaces.at(i).make);
  }
  return snapshot;
}

std::vector<WorkerListener> make_listeners(os::Fd fd, const base::SocketAddress& address) {
  std::vector<WorkerListener> listeners;
  WorkerListener& listener = listeners.emplace_back();
  listener.local = address;
  listener.options.makes_room = true;
  listener.sockets.push_back(std::move(fd));
  return listeners;
}

}  // namespace

base::Result<os::Fd> Monitor::listen(const base::SocketAddress& address) {
  return os::listen_on(address, {.backlog = 64, .reuse_port = false, .unix_mode = 0660});
}

base::Result<std::unique_ptr<Monitor>> Monitor::start(const base::Clock& clock, const Overview& overview, os::Fd fd) {
  auto monitor = std::make_unique<Monitor>(clock, overview, std::move(fd));
  TRY(monitor->worker_.start());
  return monitor;
}

Monitor::Monitor(const base::Clock& clock, const Overview& overview, os::Fd fd)
    : address_(os::local_address(fd.get())),
      descriptor_(fd.get()),
      worker_({.name = "monitor",
               .clock = clock,
               .limits = limits_,
               .upstream_states = states_,
               .name_conditions = name_conditions_,
               .access_log = {.format = observe::LineFormat::json()},
               .snapshot = make_snapshot(overview),
               .listeners = make_listeners(std::move(fd), address_)}) {}

Monitor::~Monitor() {
  worker_.drain(DrainMode::kNow, base::Duration(0));
  worker_.join();
}

}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
#include "daemon/status_page.h"

#include <unistd.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/format.h"
#include "base/log.h"
#include "http/reason.h"
#include "observe/time_text.h"
#include "os/usage.h"

namespace viaduct::daemon {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, observe::kStatusClassCount> kCodes = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

// Three digits behind the point are enough for people and programs.
double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

double seconds(base::Duration duration) {
  return rounded(std::chrono::duration<double>(duration).count());
}

std::string time_text(base::WallTime time) {
  return std::string(observe::TimeText().rfc3339(time));
}

Json process_facts(const Overview& overview, const Overview::Facts& facts) {
  const os::Usage usage = os::read_usage();
  return {{"version", overview.version()},
          {"pid", ::getpid()},
          {"state", facts.is_draining ? "draining" : "serving"},
          {"started", time_text(overview.started_at())},
          {"uptime_s", seconds(overview.now() - overview.started_at())},
          {"workers", overview.workers()},
          {"cpu_s", seconds(usage.cpu)},
          {"resident_bytes", usage.resident_bytes},
          {"descriptors", {{"open", usage.descriptors}, {"limit", usage.descriptors_max}}}};
}

Json config_facts(const Overview::Facts& facts) {
  Json config = {{"snapshot", facts.snapshot->version},
                 {"loaded", time_text(facts.loaded_at)},
                 {"reloads", {{"done", facts.reloads_done}, {"refused", facts.reloads_refused}}}};
  if (!facts.refusal.empty()) config["last_refusal"] = facts.refusal;
  return config;
}

// Totals since the start, and rate and percentiles of the window.
Json traffic(const observe::RouteTotals& totals, const observe::RouteTotals& lately, base::Duration window) {
  Json codes = Json::object();
  for (std::size_t i = 0; i < kCodes.size(); ++i) {
    if (totals.status_classes.at(i) > 0) codes[kCodes.at(i)] = totals.status_classes.at(i);
  }
  const double window_seconds = std::chrono::duration<double>(window).count();
  Json row = {{"requests", totals.requests()},
              {"statuses", std::move(codes)},
              {"rate", rounded(static_cast<double>(lately.requests()) / window_seconds)}};
  if (lately.requests() > 0) {
    for (const auto& [name, share] : {std::pair("p50_ms", 0.5), std::pair("p90_ms", 0.9), std::pair("p99_ms", 0.99)}) {
      row[name] = rounded(base::to_milliseconds(lately.percentile(share)));
    }
  }
  return row;
}

Json site_facts(const Overview& overview, const RouteWindow& window, const exchange::Snapshot& snapshot,
                base::MonoTime now) {
  const base::Duration length = window.length(now);
  const auto of = [&](std::uint32_t number) { return traffic(overview.route(number), window.lately(number), length); };
  Json sites = Json::array();
  for (std::uint32_t i = 0; i < snapshot.config->sites.size(); ++i) {
    const config::Site& site = snapshot.config->sites[i];
    Json routes = Json::array();
    for (std::uint32_t j = 0; j < site.routes.size(); ++j) {
      Json row = {{"name", site.routes[j].name}};
      row.update(of(snapshot.plans[snapshot.router->route_index(i, j)].number));
      routes.push_back(std::move(row));
    }
    Json row = {{"hosts", site.hosts}, {"routes", std::move(routes)}};
    if (!site.hosts.empty()) row["no_route"] = of(snapshot.site_numbers[i]);
    sites.push_back(std::move(row));
  }
  return sites;
}

Json upstream_facts(const Overview& overview, const exchange::Snapshot& snapshot) {
  Json upstreams = Json::array();
  for (const UpstreamFacts& upstream : overview.upstreams(snapshot)) {
    Json servers = Json::array();
    for (const ServerFacts& server : upstream.servers) {
      Json row = {{"server", server.name},        {"state", server.state},       {"connections", server.connections},
                  {"requests", server.requests},  {"attempts", server.attempts}, {"failures", server.failed_attempts},
                  {"ejections", server.ejections}};
      if (server.is_backup) row["backup"] = true;
      servers.push_back(std::move(row));
    }
    Json row = {{"name", upstream.name},
                {"waiting", upstream.waiting},
                {"retries", upstream.retries},
                {"servers", std::move(servers)}};
    if (upstream.is_held) row["held"] = true;
    upstreams.push_back(std::move(row));
  }
  return upstreams;
}

Json certificate_facts(const Overview& overview, const exchange::Snapshot& snapshot) {
  Json certificates = Json::array();
  if (snapshot.certificates == nullptr) return certificates;
  for (const tls::CertFacts& certificate : snapshot.certificates->certificates()) {
    const std::chrono::duration<double, std::ratio<86'400>> left = certificate.not_after - overview.now();
    certificates.push_back({{"site", certificate.site},
                            {"file", certificate.file},
                            {"names", certificate.names},
                            {"key", certificate.key},
                            {"not_after", time_text(certificate.not_after)},
                            {"days_left", std::floor(left.count())}});
  }
  return certificates;
}

Json refusal_facts(const observe::CounterTotals& totals) {
  Json refusals = Json::object();
  for (std::size_t i = 1; i < totals.reasons.size(); ++i) {
    if (totals.reasons[i] > 0)
      refusals[std::string(http::reason_name(static_cast<http::Reason>(i)))] = totals.reasons[i];
  }
  return refusals;
}

}  // namespace

std::string status_page(const Overview& overview, const RouteWindow& window,
                        const std::vector<StatusListener>& listeners, base::MonoTime now) {
  const Overview::Facts facts = overview.facts();
  const exchange::Snapshot& snapshot = *facts.snapshot;
  const observe::CounterTotals totals = overview.counters();
  Json page = {{"process", process_facts(overview, facts)}, {"config", config_facts(facts)}};
  page["listeners"] = Json::array();
  for (const StatusListener& listener : listeners) {
    page["listeners"].push_back({{"address", listener.address.to_string()}, {"tls", listener.is_tls}});
  }
  page["connections"] = {{"open", overview.connections()},
                         {"accepted", totals.connections},
                         {"limit", snapshot.config->client.max_connections}};
  page["window_s"] = seconds(window.length(now));
  page["sites"] = site_facts(overview, window, snapshot, now);
  const std::uint32_t none = observe::RouteNumbers::kNone;
  page["no_site"] = traffic(overview.route(none), window.lately(none), window.length(now));
  page["upstreams"] = upstream_facts(overview, snapshot);
  page["certificates"] = certificate_facts(overview, snapshot);
  page["refusals"] = refusal_facts(totals);
  page["access_log"] = {{"lost_lines", overview.lost_lines()}};
  page["error_log"] = {{"lost_lines", base::log_lost_lines()}};
  return page.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics_page.h"

#include <array>
#include <utility>

#include "base/log.h"
#include "http/reason.h"
#include "observe/exposition.h"
#include "os/usage.h"

namespace viaduct::daemon {
namespace {

using observe::Exposition;

constexpr std::array<std::string_view, observe::kStatusClassCount> kCodes = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

double to_unix_seconds(base::WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

void add_process(Exposition& page, const Overview& overview, const Overview::Facts& facts) {
  page.begin_gauge("viaduct_build_info", "Always 1; the labels say what runs.");
  page.add({{"version", overview.version()}}, 1);
  page.begin_gauge("viaduct_workers", "Worker threads.");
  page.add({}, static_cast<double>(overview.workers()));
  page.begin_gauge("viaduct_draining", "1 while the process ends and finishes what is under way.");
  page.add({}, facts.is_draining ? 1 : 0);
  page.begin_gauge("viaduct_process_start_time_seconds", "When the process started, in seconds since 1970.");
  page.add({}, to_unix_seconds(overview.started_at()));
  const os::Usage usage = os::read_usage();
  page.begin_counter("viaduct_process_cpu_seconds_total", "CPU time of the process, user and system.");
  page.add({}, std::chrono::duration<double>(usage.cpu).count());
  page.begin_gauge("viaduct_process_resident_memory_bytes", "Memory of the process that is resident.");
  page.add({}, static_cast<double>(usage.resident_bytes));
  page.begin_gauge("viaduct_process_open_fds", "File descriptors that are open.");
  page.add({}, static_cast<double>(usage.descriptors));
  page.begin_gauge("viaduct_process_max_fds", "File descriptors that may be open.");
  page.add({}, static_cast<double>(usage.descriptors_max));
}

void add_config(Exposition& page, const Overview::Facts& facts) {
  page.begin_counter("viaduct_reloads_total", "Reloads of the config or of renewed certificates, by result.");
  page.add({{"result", "done"}}, static_cast<double>(facts.reloads_done));
  page.add({{"result", "refused"}}, static_cast<double>(facts.reloads_refused));
  page.begin_gauge("viaduct_snapshot_version", "The snapshot in use, counted from 1.");
  page.add({}, static_cast<double>(facts.snapshot->version));
  page.begin_gauge("viaduct_snapshot_loaded_seconds", "When the snapshot in use was loaded, in seconds since 1970.");
  page.add({}, to_unix_seconds(facts.loaded_at));
}

// What requests are counted under: the number, and the labels.
struct CountedRoute {
  std::string_view site;
  std::string_view route;
  observe::RouteTotals totals;
};

// Everything that has had a request, routes in the order of the config.
std::vector<CountedRoute> counted_routes(const Overview& overview, const exchange::Snapshot& snapshot) {
  std::vector<CountedRoute> counted;
  const auto look_at = [&](std::string_view site, std::string_view route, std::uint32_t number) {
    CountedRoute row{.site = site, .route = route, .totals = overview.route(number)};
    if (row.totals.requests() > 0) counted.push_back(row);
  };
  look_at({}, {}, observe::RouteNumbers::kNone);
  const std::vector<config::Site>& sites = snapshot.config->sites;
  for (std::uint32_t i = 0; i < sites.size(); ++i) {
    const std::string_view site = exchange::site_name(sites[i]);
    if (i < snapshot.site_numbers.size() && !site.empty()) look_at(site, {}, snapshot.site_numbers[i]);
    for (std::uint32_t j = 0; j < sites[i].routes.size(); ++j) {
      look_at(site, sites[i].routes[j].name, snapshot.plans[snapshot.router->route_index(i, j)].number);
    }
  }
  return counted;
}

void add_requests(Exposition& page, const std::vector<CountedRoute>& routes) {
  page.begin_counter("viaduct_requests_total",
                     "Requests that have ended, by site, route and class of status; no route: none was chosen.");
  for (const CountedRoute& row : routes) {
    for (std::size_t i = 0; i < kCodes.size(); ++i) {
      // Those below 200 are rare; the others stand from the beginning, so that rates start at 0.
      if (i < 2 && row.totals.status_classes.at(i) == 0) continue;
      page.add({{"site", row.site}, {"route", row.route}, {"code", kCodes.at(i)}},
               static_cast<double>(row.totals.status_classes.at(i)));
    }
  }
  page.begin_counter("viaduct_route_failures_total",
                     "Requests that were answered from 500 on, or failed here whatever status the caller was told.");
  for (const CountedRoute& row : routes) {
    page.add({{"site", row.site}, {"route", row.route}}, static_cast<double>(row.totals.failures));
  }
  page.begin_histogram("viaduct_request_duration_seconds",
                       "From the first byte of a request to the last of its answer.");
  for (const CountedRoute& row : routes) page.add({{"site", row.site}, {"route", row.route}}, row.totals);
}

bool is_tls_failure(std::string_view reason) {
  return reason.starts_with("tls_");
}

void add_counters(Exposition& page, const Overview& overview) {
  const observe::CounterTotals totals = overview.counters();
  page.begin_counter("viaduct_refusals_total",
                     "Requests and connections that did not end with an answer that somebody else gave, by reason.");
  for (std::size_t i = 1; i < totals.reasons.size(); ++i) {
    const std::string_view reason = http::reason_name(static_cast<http::Reason>(i));
    if (!is_tls_failure(reason)) page.add({{"reason", reason}}, static_cast<double>(totals.reasons[i]));
  }
  page.begin_gauge("viaduct_connections", "Connections of clients that are open.");
  page.add({}, overview.connections());
  page.begin_counter("viaduct_connections_total", "Connections of clients that were accepted.");
  page.add({}, static_cast<double>(totals.connections));
  page.begin_counter("viaduct_tls_handshakes_total", "TLS handshakes with clients that came to their end.");
  for (std::size_t i = 0; i < totals.handshakes.size(); ++i) {
    const std::string_view version = observe::kTlsVersions.at(i);
    page.add({{"version", version}, {"resumed", "false"}}, static_cast<double>(totals.handshakes.at(i).full));
    page.add({{"version", version}, {"resumed", "true"}}, static_cast<double>(totals.handshakes.at(i).resumed));
  }
  page.begin_counter("viaduct_tls_handshake_failures_total", "TLS handshakes with clients that failed, by reason.");
  for (std::size_t i = 1; i < totals.reasons.size(); ++i) {
    const std::string_view reason = http::reason_name(static_cast<http::Reason>(i));
    if (is_tls_failure(reason)) page.add({{"reason", reason}}, static_cast<double>(totals.reasons[i]));
  }
  page.begin_counter("viaduct_access_log_lost_lines_total",
                     "Lines of the access log that were given up: a full disk, or a slow reader.");
  page.add({}, static_cast<double>(overview.lost_lines()));
  page.begin_counter("viaduct_error_log_lost_lines_total",
                     "Lines of the error log that were given up: a full disk, or a slow reader.");
  page.add({}, static_cast<double>(base::log_lost_lines()));
}

using ServerValue = double (*)(const ServerFacts& server);
struct ServerFamily {
  bool is_counter;
  std::string_view name;
  std::string_view help;
  ServerValue value;
};
constexpr std::array kServerFamilies = {
    ServerFamily{false, "viaduct_upstream_server_up", "1 where requests are sent to the server.",
                 [](const ServerFacts& server) { return server.is_available ? 1.0 : 0.0; }},
    ServerFamily{false, "viaduct_upstream_server_ejected", "1 while the server is left out because attempts failed.",
                 [](const ServerFacts& server) { return server.state == "ejected" ? 1.0 : 0.0; }},
    ServerFamily{false, "viaduct_upstream_server_drained", "1 while an operator has taken the server out.",
                 [](const ServerFacts& server) { return server.state == "drained" ? 1.0 : 0.0; }},
    ServerFamily{false, "viaduct_upstream_server_connections", "Connections to the server, idle ones too.",
                 [](const ServerFacts& server) { return static_cast<double>(server.connections); }},
    ServerFamily{false, "viaduct_upstream_server_requests", "Requests that are under way at the server.",
                 [](const ServerFacts& server) { return static_cast<double>(server.requests); }},
    ServerFamily{true, "viaduct_upstream_attempts_total", "Attempts to get an answer from the server.",
                 [](const ServerFacts& server) { return static_cast<double>(server.attempts); }},
    ServerFamily{true, "viaduct_upstream_failures_total", "Attempts that ended without a whole answer.",
                 [](const ServerFacts& server) { return static_cast<double>(server.failed_attempts); }},
    ServerFamily{true, "viaduct_upstream_ejections_total", "How often the server was left out.",
                 [](const ServerFacts& server) { return static_cast<double>(server.ejections); }},
};

void add_upstreams(Exposition& page, const std::vector<UpstreamFacts>& upstreams) {
  for (const ServerFamily& family : kServerFamilies) {
    family.is_counter ? page.begin_counter(family.name, family.help) : page.begin_gauge(family.name, family.help);
    for (const UpstreamFacts& upstream : upstreams) {
      for (const ServerFacts& server : upstream.servers) {
        page.add({{"upstream", upstream.name}, {"server", server.name}}, family.value(server));
      }
    }
  }
  page.begin_counter("viaduct_upstream_retries_total", "Attempts behind the first one of a request.");
  for (const UpstreamFacts& upstream : upstreams) {
    page.add({{"upstream", upstream.name}}, static_cast<double>(upstream.retries));
  }
  page.begin_gauge("viaduct_upstream_waiting", "Requests that wait for a connection.");
  for (const UpstreamFacts& upstream : upstreams) page.add({{"upstream", upstream.name}}, upstream.waiting);
}

void add_certificates(Exposition& page, const Overview& overview, const exchange::Snapshot& snapshot) {
  if (snapshot.certificates == nullptr) return;
  page.begin_gauge("viaduct_certificate_days_left", "Days until the certificate ends; negative where it has.");
  for (const tls::CertFacts& certificate : snapshot.certificates->certificates()) {
    const std::chrono::duration<double, std::ratio<86'400>> left = certificate.not_after - overview.now();
    page.add({{"site", certificate.site}, {"file", certificate.file}, {"key", certificate.key}}, left.count());
  }
}

}  // namespace

std::string metrics_page(const Overview& overview) {
  const Overview::Facts facts = overview.facts();
  Exposition page;
  add_process(page, overview, facts);
  add_config(page, facts);
  add_requests(page, counted_routes(overview, *facts.snapshot));
  add_counters(page, overview);
  add_upstreams(page, overview.upstreams(*facts.snapshot));
  add_certificates(page, overview, *facts.snapshot);
  return page.text();
}

}  // namespace viaduct::daemon

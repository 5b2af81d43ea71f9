// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_servers.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include "base/format.h"
#include "cli/reason_help.h"
#include "daemon/worker.h"

namespace viaduct::cli {
namespace {

// Addresses of a name that are shown.
constexpr std::size_t kShownAddresses = 4;
// No policy and no limit is at work here.
constexpr std::uint32_t kConnectionsMax = 1024;

constexpr int kNotImplemented = 501;
constexpr int kNotFound = 404;

std::string remedy_of(std::string_view reason) {
  // The one word of health checks that is no reason of an exchange.
  if (reason == "unexpected_status") {
    return "look at the log of the service, or correct health.path and health.expect";
  }
  const ReasonHelp* help = find_reason_help(reason);
  return std::string(help == nullptr ? "look at the log of the service" : help->remedy);
}

// The config may name no time of its own.
std::string without_key(std::string text) {
  constexpr std::string_view kKey = " (health.timeout)";
  if (text.ends_with(kKey)) text.resize(text.size() - kKey.size());
  return text;
}

std::string seconds_text(base::Duration duration) {
  return base::format("{} s", std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

}  // namespace

// Whether one name means an address.
class DoctorServers::NameCheck final : private net::ResolveWaiter {
 public:
  NameCheck(DoctorServers& servers, std::string asked) : name(std::move(asked)), servers_(servers) {}

  void begin(bool is_service, const base::CidrSet& allowed) {
    servers_.resolver_.name(name, is_service, allowed).resolve(*this);
  }
  bool is_done() const { return is_done_; }

  const std::string name;
  std::string addresses;  // empty: none
  std::string error;      // empty: no answer yet

 private:
  void on_resolved(const net::NameAnswer& answer) override {
    const auto list = answer.in_order(0, servers_.resolver_.random());
    for (std::size_t i = 0; i < std::min(list.size(), kShownAddresses); ++i) {
      addresses += (i == 0 ? "" : ", ") + list[i].ip().to_string();
    }
    if (list.size() > kShownAddresses) addresses += base::format(" and {} more", list.size() - kShownAddresses);
    finish();
  }
  void on_resolve_failed(net::ResolveFailure, const base::Error& failure) override {
    error = failure.message;
    finish();
  }
  void finish() {
    is_done_ = true;
    --servers_.under_way_;
    servers_.go_on();
  }

  DoctorServers& servers_;
  bool is_done_ = false;
};

// One question to one server.
class DoctorServers::Probe final : private upstream::ProbeHandler {
 public:
  struct Setup {
    std::size_t upstream;
    std::size_t server;
    config::Health question;
    std::string callback;  // "site route": asked for it; empty: how the server is
  };

  Probe(DoctorServers& servers, Setup setup)
      : setup_(std::move(setup)),
        servers_(servers),
        probe_(server(), setup_.question, static_cast<upstream::ProbeHandler&>(*this),
               is_for_callback() ? http::Method::kOptions : http::Method::kGet) {}

  void begin() { probe_.begin(); }
  const Setup& setup() const { return setup_; }
  bool is_for_callback() const { return !setup_.callback.empty(); }
  upstream::Server& server() const { return servers_.upstreams_[setup_.upstream]->server(setup_.server); }
  const config::Upstream& upstream() const { return servers_.config_.upstreams[setup_.upstream]; }
  const upstream::ProbeResult& result() const { return result_; }

 private:
  void on_probe_done(const upstream::ProbeResult& result) override {
    result_ = result;
    --servers_.under_way_;
    servers_.go_on();
  }

  Setup setup_;
  DoctorServers& servers_;
  upstream::HealthProbe probe_;
  upstream::ProbeResult result_{
      .is_good = false, .reason = "timeout", .detail = base::format("no answer within {}", seconds_text(kTimeMax))};
};

DoctorServers::DoctorServers(const config::Config& config, const base::Clock& clock)
    : config_(config),
      loop_(clock),
      resolver_(loop_, daemon::resolver_options(config.resolver)),
      timer_(loop_.timers(), *this) {}

DoctorServers::~DoctorServers() {
  probes_.clear();
  names_.clear();
  loop_.run_once(false);  // frees what ended
  upstreams_.clear();
  loop_.run_once(false);
}

void DoctorServers::check(DoctorReport& report) {
  open_upstreams(report);
  add_server_probes();
  add_callback_probes();
  timer_.start_after(kTimeMax);
  add_names();
  go_on();
  if (under_way_ > 0) loop_.run();
  report_names(report);
  report_servers(report);
  report_callbacks(report);
  report_clocks(report);
}

void DoctorServers::on_timer(int) {
  loop_.stop();
}

void DoctorServers::open_upstreams(DoctorReport& report) {
  for (const config::Upstream& wanted : config_.upstreams) {
    config::Upstream copy = wanted;
    copy.keepalive.max_idle = 0;
    copy.max_connections = kConnectionsMax;
    auto made = upstream::Upstream::make(
        {.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_}, copy);
    if (!made) {
      report.add_split(FindingState::kFault, "upstream", wanted.name, made.error().message);
      upstreams_.push_back(nullptr);
      continue;
    }
    upstreams_.push_back(std::move(*made));
  }
}

// ---- what is asked --------------------------------------------------------------------------------------------------

void DoctorServers::add_names() {
  for (const config::Upstream& upstream : config_.upstreams) {
    for (const config::Server& server : upstream.servers) {
      const bool is_service = !server.service.empty();
      const std::string& name = is_service ? server.service : server.host;
      if (server.is_unix || base::IpAddress::parse(name)) continue;
      if (std::ranges::any_of(names_, [&](const auto& known) { return known->name == name; })) continue;
      names_.push_back(std::make_unique<NameCheck>(*this, name));
      ++under_way_;
      names_.back()->begin(is_service, server.allow_addresses);
    }
  }
}

void DoctorServers::add_server_probes() {
  for (std::size_t i = 0; i < config_.upstreams.size(); ++i) {
    const config::Upstream& upstream = config_.upstreams[i];
    config::Health question = upstream.health.value_or(config::Health{});
    if (!upstream.health) question.timeout = kProbeTime;
    for (std::size_t j = 0; j < upstream.servers.size(); ++j) add_probe(i, j, question, {});
  }
}

void DoctorServers::add_callback_probes() {
  for (const config::Site& site : config_.sites) {
    for (const config::Route& route : site.routes) {
      if (route.callback != config::CallbackProvider::kNone) add_callback_probes(site, route);
    }
  }
}

// OPTIONS, which no platform sends and no framework takes for a notice: it asks what else might be asked, and changes
// nothing (RFC 9110 §9.3.7). A POST might be taken for a payment.
void DoctorServers::add_callback_probes(const config::Site& site, const config::Route& route) {
  const auto* action = std::get_if<config::ProxyAction>(&route.action);
  const std::vector<std::string>& paths = route.match.exact.empty() ? route.match.prefix : route.match.exact;
  if (action == nullptr || paths.empty()) return;
  const auto upstream = std::ranges::find(config_.upstreams, action->upstream, &config::Upstream::name);
  if (upstream == config_.upstreams.end()) return;
  config::Health question{
      .path = paths.front(), .host = {}, .timeout = kProbeTime, .expect_from = 200, .expect_to = 499};
  if (upstream->host_mode == config::HostMode::kLiteral) question.host = upstream->host;
  const bool has_host = !site.hosts.empty() && !site.hosts.front().starts_with("*.");
  if (upstream->host_mode == config::HostMode::kClient && has_host) question.host = site.hosts.front();
  const std::string subject = base::format("{} {}", site.hosts.empty() ? "default" : site.hosts.front(), route.name);
  for (std::size_t j = 0; j < upstream->servers.size(); ++j) {
    add_probe(static_cast<std::size_t>(upstream - config_.upstreams.begin()), j, question, subject);
  }
}

void DoctorServers::add_probe(std::size_t upstream, std::size_t server, config::Health question,
                              const std::string& callback) {
  if (upstreams_[upstream] == nullptr) return;
  probes_.push_back(std::make_unique<Probe>(
      *this,
      Probe::Setup{.upstream = upstream, .server = server, .question = std::move(question), .callback = callback}));
}

void DoctorServers::go_on() {
  while (next_probe_ < probes_.size() && under_way_ < kProbesMax) {
    ++under_way_;
    probes_[next_probe_++]->begin();
  }
  if (under_way_ == 0) loop_.stop();
}

// ---- what came of it ------------------------------------------------------------------------------------------------

void DoctorServers::report_names(DoctorReport& report) const {
  for (const auto& name : names_) {
    if (!name->addresses.empty()) {
      report.ok("name", name->name, base::format("means {}", name->addresses));
      continue;
    }
    const std::string error = name->is_done() ? name->error : "no answer in time";
    report.fail("name", name->name, error, "correct the name in the config or in the DNS, or resolver.servers");
  }
}

void DoctorServers::report_servers(DoctorReport& report) const {
  for (const auto& probe : probes_) {
    if (probe->is_for_callback()) continue;
    const std::string subject = base::format("{} {}", probe->upstream().name, probe->server().config().url);
    const upstream::ProbeResult& result = probe->result();
    const std::string& path = probe->setup().question.path;
    const std::string asked = path.empty() ? "" : base::format("GET {}: ", path);
    if (!result.is_good) {
      report.fail("server", subject, asked + without_key(result.detail), remedy_of(result.reason));
      continue;
    }
    const std::string verified = !probe->server().is_tls()      ? ""
                                 : probe->upstream().tls.verify ? ", certificate verified"
                                                                : ", certificate not verified (tls.verify: false)";
    report.ok("server", subject, base::format("{}{}{}", asked, result.detail, verified));
  }
}

// A callback is served when one server of its upstream answers; a server that does not has a line of its own.
void DoctorServers::report_callbacks(DoctorReport& report) const {
  for (std::size_t i = 0; i < probes_.size();) {
    const Probe& first = *probes_[i];
    if (!first.is_for_callback()) {
      ++i;
      continue;
    }
    const Probe* worst = nullptr;
    const Probe* best = nullptr;
    for (; i < probes_.size() && probes_[i]->setup().callback == first.setup().callback; ++i) {
      const upstream::ProbeResult& result = probes_[i]->result();
      // Who does not know OPTIONS has answered all the same.
      const bool is_good = result.is_good || result.status == kNotImplemented;
      if (is_good) best = probes_[i].get();
      // An answer says more than none.
      if (!is_good && (worst == nullptr || worst->result().status == 0)) worst = probes_[i].get();
    }
    const std::string asked = base::format("OPTIONS {} at {}", first.setup().question.path, first.upstream().name);
    if (worst != nullptr && (best == nullptr || worst->result().status != 0)) {
      report.fail("callback", first.setup().callback,
                  base::format("{}: {}", asked, without_key(worst->result().detail)),
                  "until this answers, notices of the platform are answered with its form of failure");
      continue;
    }
    const int status = best->result().status;
    if (status != kNotFound) {
      report.ok("callback", first.setup().callback, base::format("{}: answers {}", asked, status));
      continue;
    }
    report.warn("callback", first.setup().callback, base::format("{}: answers 404, nothing is there", asked),
                "compare the path with the routes of the application");
  }
}

void DoctorServers::report_clocks(DoctorReport& report) const {
  std::vector<const upstream::Server*> told;
  for (const auto& probe : probes_) {
    const auto offset = probe->result().clock_offset;
    if (!offset || std::ranges::find(told, &probe->server()) != told.end()) continue;
    told.push_back(&probe->server());
    const std::string subject = base::format("{} {}", probe->upstream().name, probe->server().config().url);
    const base::Duration distance = std::chrono::abs(*offset);
    if (distance < kClockWarning) {
      report.ok("clock", subject, base::format("within {} of ours", seconds_text(kClockWarning)));
      continue;
    }
    const std::string found = base::format("its clock is {} {} ours", seconds_text(distance),
                                           *offset > base::Duration(0) ? "ahead of" : "behind");
    const std::string remedy = "have both machines follow a time server (timedatectl): platforms refuse old signatures";
    if (distance < kClockFailure) {
      report.warn("clock", subject, found, remedy);
    } else {
      report.fail("clock", subject, found, remedy);
    }
  }
  if (told.empty() && !probes_.empty()) report.ok("clock", "", "no server has told its time");
}

}  // namespace viaduct::cli

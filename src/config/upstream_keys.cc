// SPDX-License-Identifier: Apache-2.0
#include "config/upstream_keys.h"

#include "config/address.h"
#include "config/filter_keys.h"
#include "config/names.h"

namespace viaduct::config {

namespace {

constexpr std::string_view kHashHeader = "hash header:";
constexpr std::uint64_t kConnectionsMax = 1'000'000;
// How often something may be tried or counted before it is a slip.
constexpr std::uint64_t kTimesMax = 1000;

Parsed<Balance> parse_balance(const std::string& text) {
  if (text == "round_robin") return Balance{.kind = BalanceKind::kRoundRobin, .header = {}};
  if (text == "least_requests") return Balance{.kind = BalanceKind::kLeastRequests, .header = {}};
  if (text == "hash client_ip") return Balance{.kind = BalanceKind::kHashClientIp, .header = {}};
  if (text == "hash path") return Balance{.kind = BalanceKind::kHashPath, .header = {}};
  if (text.starts_with(kHashHeader)) {
    auto name = check_field_name(text.substr(kHashHeader.size()));
    if (!name) return std::unexpected(std::move(name).error());
    return Balance{.kind = BalanceKind::kHashHeader, .header = std::move(*name)};
  }
  const std::vector<std::string> known = {"round_robin", "least_requests", "hash client_ip", "hash path",
                                          "hash header:NAME"};
  return std::unexpected(no_choice(text, known));
}

std::string format_balance(const Balance& balance) {
  switch (balance.kind) {
    case BalanceKind::kRoundRobin: return "round_robin";
    case BalanceKind::kLeastRequests: return "least_requests";
    case BalanceKind::kHashClientIp: return "hash client_ip";
    case BalanceKind::kHashPath: return "hash path";
    case BalanceKind::kHashHeader: return std::string(kHashHeader) + balance.header;
  }
  return {};
}

Type<Server> server_url() {
  Type<Server> type;
  type.info.name = "URL";
  type.info.pattern = "^((srv\\+)?https?://|unix:/|.*\\$\\{)";
  type.read = [](const Node& node, Server& server, const Scope& scope) {
    const auto text = read_scalar(node, scope, "a URL");
    if (!text) return;
    const auto parsed = parse_server_url(*text);
    if (!parsed) return scope.error(node.place, parsed.error());
    server.url = parsed->url;
    server.tls = parsed->tls;
    server.host = parsed->host;
    server.port = parsed->port;
    server.is_unix = parsed->is_unix;
    server.service = parsed->service;
    server.place = node.place;
  };
  type.write = [](const Server& server) { return Node::quoted(server.url); };
  return type;
}

Table<Server> server_keys() {
  Table<Server> table;
  table
      .add("url", server_url(),
           "http(s)://host[:port], unix:/path, or srv+http(s)://service: its SRV hosts are addresses of this one "
           "server.")
      .required();
  table.add("weight", &Server::weight, count<std::uint32_t>(1, kTimesMax), "Its share of the requests.");
  table.add("backup", &Server::backup, boolean(), "Take requests only when no other server can.");
  return table;
}

// "client", "upstream", or a literal host.
Type<Upstream> sent_host() {
  Type<Upstream> type;
  type.info.name = "client, upstream or a host";
  type.read = [](const Node& node, Upstream& upstream, const Scope& scope) {
    const auto text = read_scalar(node, scope, "client, upstream or a host");
    if (!text) return;
    upstream.host.clear();
    if (*text == "client" || *text == "upstream") {
      upstream.host_mode = *text == "client" ? HostMode::kClient : HostMode::kUpstream;
      return;
    }
    auto host = check_host_field(*text);
    if (!host) return scope.error(node.place, std::move(host).error());
    upstream.host_mode = HostMode::kLiteral;
    upstream.host = std::move(*host);
  };
  type.write = [](const Upstream& upstream) {
    if (upstream.host_mode == HostMode::kLiteral) return Node::quoted(upstream.host);
    return Node::word(upstream.host_mode == HostMode::kClient ? "client" : "upstream");
  };
  return type;
}

Table<UpstreamTls> upstream_tls_keys() {
  Table<UpstreamTls> table;
  table.add("verify", &UpstreamTls::verify, boolean(), "Verify the server's certificate.");
  table.add("sni", &UpstreamTls::sni, text("host name", check_host), "The name sent in the TLS handshake.")
      .defaults_to("the host of the server");
  table
      .add("verify_name", &UpstreamTls::verify_name, text("host name", check_host),
           "The name that the certificate must have.")
      .defaults_to("sni");
  table.add("ca", &UpstreamTls::ca, path("file"), "The certificates to trust, a PEM file.")
      .defaults_to("those of the system");
  table.add("cert", &UpstreamTls::cert, path("file"),
            "The certificate to show to the server, a PEM file; with key. Renewed files are picked up.");
  table.add("key", &UpstreamTls::key, path("file"), "Its private key, a PEM file.");
  return table;
}

Table<KeepAlive> keepalive_keys() {
  Table<KeepAlive> table;
  table.add("max_idle", &KeepAlive::max_idle, count<std::uint32_t>(0, kConnectionsMax),
            "Idle connections that a worker keeps; 0 closes each after its request.");
  table.add("idle", &KeepAlive::idle, duration(1ms, 24h),
            "How long a connection is kept idle; stay below the server's own limit (uvicorn: 5 s).");
  return table;
}

Type<Health> expected_statuses() {
  TypeInfo info;
  info.name = "range of statuses";
  info.takes_number = true;
  Type<Health> type;
  type.info = info;
  type.read = [](const Node& node, Health& health, const Scope& scope) {
    const auto text = read_scalar(node, scope, "a range of statuses");
    if (!text) return;
    const auto range = parse_status_range(*text);
    if (!range) return scope.error(node.place, range.error());
    health.expect_from = range->from;
    health.expect_to = range->to;
  };
  type.write = [](const Health& health) {
    return Node::quoted(format_status_range({.from = health.expect_from, .to = health.expect_to}));
  };
  return type;
}

Table<Health> health_keys() {
  Table<Health> table;
  table.add("path", &Health::path, text("path", check_path), "What is asked for; without it, a connection is enough.");
  table.add("host", &Health::host, text("host name", check_host_field), "The Host that is sent.")
      .defaults_to("the host of the server");
  table.add("interval", &Health::interval, duration(100ms, 24h),
            "Time between two checks of a server, give or take a tenth; the first is at once.");
  table.add("timeout", &Health::timeout, duration(1ms, 1h),
            "How long a check may take; no longer than the interval, if that is shorter.");
  table.add("rise", &Health::rise, count<std::uint32_t>(1, kTimesMax), "Good checks in a row that make it healthy.");
  table.add("fall", &Health::fall, count<std::uint32_t>(1, kTimesMax), "Bad checks in a row that make it unhealthy.");
  table.add("expect", expected_statuses(), "The statuses of a good answer.");
  return table;
}

Table<Eject> eject_keys() {
  Table<Eject> table;
  table.add("failures", &Eject::failures, count<std::uint32_t>(1, kTimesMax),
            "Attempts in a row without a whole answer after which a server is left out; a 5xx is an answer.");
  table.add("for", &Eject::duration, duration(100ms, 24h),
            "How long it is left out; then the next failure is enough to leave it out again.");
  return table;
}

}  // namespace

Type<Balance> balance() {
  TypeInfo info;
  info.name = "round_robin, least_requests, hash client_ip, hash path or hash header:NAME";
  info.pattern = "^(round_robin|least_requests|hash (client_ip|path|header:.+))$";
  return scalar_type<Balance>(std::move(info), parse_balance,
                              [](const Balance& value) { return Node::word(format_balance(value)); });
}

Table<Upstream> upstream_keys() {
  Table<Upstream> table;
  table
      .add("servers", &Upstream::servers, list_of(object(server_keys(), "url")),
           "The servers, each a URL or a map of these keys.")
      .required();
  table.add(
      "allow_addresses", &Upstream::allow_addresses, cidr_set(),
      "Ranges that DNS may name although it is refused otherwise: loopback, link-local, cloud metadata, multicast.");
  table.add("balance", &Upstream::balance, balance(),
            "How a server is chosen: in turn, by fewest requests under way, or by client, path or header; by weight.");
  table.add("host", sent_host(),
            "The Host that is sent: client (as received), upstream (the host of the server), or a literal.");
  table.add("tls", &Upstream::tls, object(upstream_tls_keys()), "TLS to servers whose URL says https.");
  table.add("http2", &Upstream::http2, boolean(),
            "Speak HTTP/2 to the servers: by ALPN over TLS, with HTTP/1.1 where a server offers no other; without TLS "
            "known beforehand.");
  table.add("keepalive", &Upstream::keepalive, object(keepalive_keys()),
            "Connections that are kept for the next request.");
  table.add("health", &Upstream::health, or_null(object(health_keys())),
            "Ask every server, time and again, how it is, once for the whole process; unhealthy ones get no requests.");
  table.add("eject", &Upstream::eject, or_null(object(eject_keys())),
            "Leave a server out for a time when it fails to answer; at most half of them at once, never the last one.");
  table.add("slow_start", &Upstream::slow_start, duration(0s, 1h),
            "How long a server's share takes to grow to its whole after it was unhealthy or left out.");
  table.add("max_connections", &Upstream::max_connections, count<std::uint32_t>(1, kConnectionsMax),
            "Connections to one server in the process, best process.workers or more; beyond it requests wait as "
            "timeouts.connect says.");
  table.add("max_waiting", &Upstream::max_waiting, count<std::uint32_t>(0, kConnectionsMax),
            "Requests that may wait for a connection; beyond it they get 503 at once.");
  table.add("hold", &Upstream::hold, duration(0s, 1h),
            "How long a request may wait for a server that can be reached; idempotent ones are sent again meanwhile.");
  return table;
}

Type<std::vector<Upstream>> upstream_map() {
  Type<std::vector<Upstream>> type;
  type.info.form = TypeInfo::Form::kMap;
  type.info.name = "map of names to upstreams";
  const Type<Upstream> one = object(upstream_keys());
  type.info.item = {one.info};
  type.read = [read = one.read](const Node& node, std::vector<Upstream>& upstreams, const Scope& scope) {
    if (!expect_map(node, scope)) return;
    for (const Entry& entry : node.entries) {
      const Scope inner = scope.at_name(entry);
      if (const auto name = check_name(entry.key); !name) inner.error(entry.key_place, name.error());
      Upstream& upstream = upstreams.emplace_back();
      upstream.name = entry.key;
      upstream.place = entry.key_place;
      read(entry.value, upstream, inner);
      for (Server& server : upstream.servers) server.allow_addresses = upstream.allow_addresses;
    }
  };
  type.write = [write = one.write](const std::vector<Upstream>& upstreams) {
    Node map = Node::map();
    for (const Upstream& upstream : upstreams) map.add(upstream.name, write(upstream));
    return map;
  };
  return type;
}

}  // namespace viaduct::config

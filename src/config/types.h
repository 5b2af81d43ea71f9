// SPDX-License-Identifier: Apache-2.0
// The config as plain structs: what a loaded and validated file says, with inheritance (defaults, site, route) already
// resolved, names already checked and relative paths already made absolute. Made by config/load, read by daemon/build
// and by the pure functions of route/; immutable afterwards. Every member names its unit by its type; its default is
// the initialiser here and the same table row (config/*_keys.cc) that `viaduct reference` prints.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "base/log.h"
#include "base/time.h"
#include "base/wipe.h"

namespace viaduct::config {

using base::Duration;
using namespace std::chrono_literals;  // NOLINT(google-global-names-in-headers): initialisers below read as the file
                                       // does

// Where a value stands in its file. Line and column count from 1; 0 means that it is a default.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;

  // Where a value stands is no part of what it says: configs are compared by what they say.
  bool operator==(const Place&) const { return true; }
};

// A value that no log, dump or error message may show. Overwritten when it is not needed any more.
struct Secret {
  std::string value;

  ~Secret() { base::wipe(value); }
  bool operator==(const Secret&) const = default;
};

// ---- listeners ------------------------------------------------------------------------------------------------------

struct Listener {
  std::string address;                         // as written
  std::vector<base::SocketAddress> addresses;  // ":443" gives two, IPv6 (v6 only) and IPv4
  bool tls = false;
  bool http2 = true;  // offered by ALPN on a TLS listener
  bool h2c = false;   // prior-knowledge HTTP/2 on a plain listener
  bool proxy_protocol = false;
  base::CidrSet proxy_from = base::CidrSet::private_networks();  // who may announce clients by it
  bool redirect_to_https = false;
  Place place;

  bool operator==(const Listener&) const = default;
};

// TLS versions by their wire numbers (RFC 8446 §4.1.2).
enum class TlsVersion : std::uint16_t { k1_0 = 0x0301, k1_1 = 0x0302, k1_2 = 0x0303, k1_3 = 0x0304 };

// Whether clients must show a certificate.
enum class ClientAuth : std::uint8_t { kRequire, kOptional };

struct ListenerTls {
  TlsVersion min_version = TlsVersion::k1_2;
  TlsVersion max_version = TlsVersion::k1_3;
  bool session_tickets = true;
  std::string client_ca;  // of sites that name none: a PEM file, absolute; empty: none is asked for
  ClientAuth client_auth = ClientAuth::kRequire;

  bool operator==(const ListenerTls&) const = default;
};

// What a client is granted before a route is known. Sizes in bytes; absent means no limit.
struct Client {
  Duration handshake_timeout = 10s;
  Duration header_timeout = 10s;
  Duration body_timeout = 30s;
  Duration idle_timeout = 75s;
  std::optional<std::uint64_t> min_rate = 500;  // bytes a second, after 10 s of grace
  std::uint32_t max_head_size = 32 * 1024;
  std::uint32_t max_fields = 100;
  std::uint32_t max_target_size = 8 * 1024;
  std::uint32_t max_connections = 20000;
  std::optional<std::uint32_t> max_connections_per_address;
  std::optional<std::uint32_t> max_handshakes;  // of TLS, in the process at one time
  std::optional<std::uint32_t> max_requests;    // a connection

  bool operator==(const Client&) const = default;
};

// ---- upstreams ------------------------------------------------------------------------------------------------------

struct Server {
  std::string url;  // as written
  bool tls = false;
  std::string host;  // name or address, without brackets; or the path for a Unix socket ("unix:/path")
  std::uint16_t port = 80;
  bool is_unix = false;
  std::string service;            // the name whose SRV records say where the server is; empty: host and port do
  base::CidrSet allow_addresses;  // of the upstream
  std::uint32_t weight = 1;
  bool backup = false;
  Place place;

  bool operator==(const Server&) const = default;
};

enum class BalanceKind : std::uint8_t { kRoundRobin, kLeastRequests, kHashClientIp, kHashPath, kHashHeader };
inline constexpr std::size_t kBalanceKinds = 5;

struct Balance {
  BalanceKind kind = BalanceKind::kRoundRobin;
  std::string header;  // kHashHeader: its name

  bool operator==(const Balance&) const = default;
};

enum class HostMode : std::uint8_t { kClient, kUpstream, kLiteral };

struct UpstreamTls {
  bool verify = true;
  std::string sni;          // empty: the server's host name
  std::string verify_name;  // empty: sni
  std::string ca;           // a PEM file; empty: the system's store
  std::string cert;         // client certificate and key, PEM files; both or none
  std::string key;

  bool operator==(const UpstreamTls&) const = default;
};

struct KeepAlive {
  std::uint32_t max_idle = 64;  // connections kept, per worker
  Duration idle = 4s;

  bool operator==(const KeepAlive&) const = default;
};

struct Health {
  std::string path;  // empty: a TCP connect is enough
  std::string host;
  Duration interval = 5s;
  Duration timeout = 2s;
  std::uint32_t rise = 2;
  std::uint32_t fall = 3;
  std::uint16_t expect_from = 200;  // inclusive range of statuses
  std::uint16_t expect_to = 399;

  bool operator==(const Health&) const = default;
};

struct Eject {
  std::uint32_t failures = 3;
  Duration duration = 10s;

  bool operator==(const Eject&) const = default;
};

struct Upstream {
  std::string name;
  std::vector<Server> servers;    // at least one
  base::CidrSet allow_addresses;  // what names of servers may mean although no name should
  Balance balance;
  HostMode host_mode = HostMode::kClient;
  std::string host;  // kLiteral
  UpstreamTls tls;
  bool http2 = false;
  KeepAlive keepalive;
  std::optional<Health> health;
  std::optional<Eject> eject = Eject{};
  Duration slow_start = 0s;             // after which a server that came back has its whole share again
  std::uint32_t max_connections = 512;  // per server, in the process
  std::uint32_t max_waiting = 1024;
  Duration hold = 0s;
  Place place;

  bool operator==(const Upstream&) const = default;
};

// ---- routes ---------------------------------------------------------------------------------------------------------

// What a request must be for a route to win. Paths are decoded paths.
struct Match {
  std::vector<std::string> exact;
  std::vector<std::string> prefix;
  std::vector<std::string> regex;
  std::vector<std::string> methods;  // empty: any; GET includes HEAD
  std::map<std::string, std::string> headers;
  std::map<std::string, std::string> query;

  bool operator==(const Match&) const = default;
};

enum class CallbackProvider : std::uint8_t { kNone, kWechatPayV3, kWechatPayV2, kWechatPush, kAlipay, kGeneric };

enum class AllowMode : std::uint8_t { kReport, kEnforce };

struct Allow {
  base::CidrSet addresses;
  AllowMode mode = AllowMode::kEnforce;
  bool i_know = false;  // a callback route may enforce

  bool operator==(const Allow&) const = default;
};

struct Cors {
  std::vector<std::string> allow_origins;  // "*" alone, origins, or patterns "https://*.example.com"
  std::vector<std::string> allow_methods = {"GET", "HEAD", "POST"};
  std::vector<std::string> allow_headers;
  std::vector<std::string> expose_headers;
  bool allow_credentials = false;
  std::optional<Duration> max_age;

  bool operator==(const Cors&) const = default;
};

// What a field is given.
struct FieldValue {
  Secret text;
  bool has_variables = false;  // ${host} and its like are filled in for each request; never in a file's text

  bool operator==(const FieldValue&) const = default;
};

// Edits of one side's fields, done in the order remove, set, add.
struct FieldEdits {
  std::vector<std::string> remove;
  std::vector<std::pair<std::string, FieldValue>> set;
  std::vector<std::pair<std::string, FieldValue>> add;

  bool operator==(const FieldEdits&) const = default;
};

struct HeaderEdits {
  FieldEdits request;
  FieldEdits response;

  bool operator==(const HeaderEdits&) const = default;
};

enum class ForwardedMode : std::uint8_t { kReplace, kAppend, kOff };

struct StripPrefix {
  std::string prefix;

  bool operator==(const StripPrefix&) const = default;
};
struct ReplacePrefix {
  std::string from;
  std::string to;

  bool operator==(const ReplacePrefix&) const = default;
};
struct ReplaceRegex {
  std::string pattern;
  std::string replacement;  // \1 … \9 are groups (RE2)

  bool operator==(const ReplaceRegex&) const = default;
};
using Rewrite = std::variant<StripPrefix, ReplacePrefix, ReplaceRegex>;

enum class RateKey : std::uint8_t { kClientIp, kRoute, kHeader };

struct RateLimit {
  std::uint32_t requests = 0;
  Duration per = 1s;
  std::uint32_t burst = 0;
  RateKey key = RateKey::kClientIp;
  std::string header;

  bool operator==(const RateLimit&) const = default;
};

// A user and what crypt(3) made of the password.
struct PasswordEntry {
  std::string user;
  Secret hash;

  bool operator==(const PasswordEntry&) const = default;
};

struct BasicAuth {
  std::string realm;
  std::string file;                  // absolute
  bool forward = false;              // the upstream sees Authorization
  std::vector<PasswordEntry> users;  // read at load

  bool operator==(const BasicAuth&) const = default;
};

// Absent means that this timer is off.
struct Timeouts {
  std::optional<Duration> connect = 2s;
  std::optional<Duration> send = 60s;
  std::optional<Duration> read = 60s;
  std::optional<Duration> total;

  bool operator==(const Timeouts&) const = default;
};

struct Retry {
  std::optional<std::uint32_t> attempts;  // servers that are tried; absent: all
  std::uint32_t budget_percent = 10;

  bool operator==(const Retry&) const = default;
};

struct ProxyAction {
  std::string upstream;

  bool operator==(const ProxyAction&) const = default;
};

struct StaticAction {
  std::string root;  // absolute
  std::vector<std::string> index = {"index.html"};
  std::string fallback;      // a path below root with its leading slash; empty: none
  std::string strip_prefix;  // empty: the whole path is looked up
  std::optional<Duration> expires;
  bool immutable = false;

  bool operator==(const StaticAction&) const = default;
};

struct RedirectAction {
  std::string to;  // may hold ${host} ${path} ${query} ${scheme} ${client_ip} ${request_id}
  std::uint16_t status = 302;

  bool operator==(const RedirectAction&) const = default;
};

struct RespondAction {
  std::uint16_t status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";

  bool operator==(const RespondAction&) const = default;
};

using Action = std::variant<ProxyAction, StaticAction, RedirectAction, RespondAction>;

struct Route {
  std::string name;  // unique in its site; made from the path where the file gives none
  Match match;
  Action action;
  CallbackProvider callback = CallbackProvider::kNone;
  std::optional<Allow> allow;
  std::optional<Cors> cors;
  HeaderEdits headers;
  ForwardedMode forwarded = ForwardedMode::kReplace;
  std::optional<Rewrite> rewrite;
  std::optional<RateLimit> rate_limit;
  std::optional<BasicAuth> basic_auth;
  Timeouts timeouts;
  std::optional<std::uint64_t> body_limit = 20 * 1024 * 1024;  // bytes
  Retry retry;
  std::optional<Balance> balance;
  bool websocket = false;
  Duration websocket_idle = 1h;
  Place place;

  bool operator==(const Route&) const = default;
};

// ---- sites ----------------------------------------------------------------------------------------------------------

struct CertificateFiles {
  std::string cert;  // PEM, leaf first; absolute
  std::string key;
  std::string ocsp;       // what its authority says of it, DER; empty: nothing is stapled
  std::string client_ca;  // of the site; empty: that of another pair, or of ListenerTls
  ClientAuth client_auth = ClientAuth::kRequire;
  Place place;

  bool operator==(const CertificateFiles&) const = default;
};

// Strict-Transport-Security, RFC 6797.
struct Hsts {
  Duration max_age = 365 * 24h;
  bool include_subdomains = false;
  bool preload = false;
  std::string text;  // the field's value; made when the config is resolved

  bool operator==(const Hsts&) const = default;
};

struct Site {
  std::vector<std::string> hosts;  // lower case, no port; "*.example.com" for one label or more
  bool is_default = false;         // takes unknown hosts
  std::vector<CertificateFiles> certificates;
  std::string client_ca;  // what the certificates of clients are verified against; empty: they are not asked for one
  ClientAuth client_auth = ClientAuth::kRequire;
  std::optional<Hsts> hsts;
  std::vector<std::string> deny;  // decoded paths; "/x/" covers "/x" too
  base::CidrSet trusted_proxies;
  std::vector<Route> routes;
  Place place;

  bool operator==(const Site&) const = default;
};

// ---- the rest -------------------------------------------------------------------------------------------------------

// A page for answers that Viaduct itself gives: statuses from..to (inclusive).
struct ErrorPage {
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  std::string file;          // absolute
  std::string content_type;  // by the file's name
  std::string body;          // read at load

  bool operator==(const ErrorPage&) const = default;
};

enum class AccessFormat : std::uint8_t { kJson, kCombined, kTemplate };
enum class QueryLogging : std::uint8_t { kMasked, kKeys, kFull };

struct AccessLog {
  std::string file = "-";  // "-": standard output; empty: none
  AccessFormat format = AccessFormat::kJson;
  std::string line_template;  // kTemplate: text with ${field}
  QueryLogging query = QueryLogging::kMasked;

  bool operator==(const AccessLog&) const = default;
};

struct ErrorLog {
  std::string file = "-";  // "-": standard error
  base::LogLevel level = base::LogLevel::kInfo;

  bool operator==(const ErrorLog&) const = default;
};

struct Admin {
  std::string socket;  // Unix socket path; empty: none
  std::optional<base::SocketAddress> health;

  bool operator==(const Admin&) const = default;
};

// How names of servers become addresses.
struct Resolver {
  std::vector<base::SocketAddress> servers;  // empty: those of /etc/resolv.conf
  Duration min_ttl = 5s;
  Duration max_ttl = 5min;
  Duration timeout = 3s;

  bool operator==(const Resolver&) const = default;
};

struct Process {
  std::optional<std::uint32_t> workers;  // absent: one a core
  std::string user;                      // empty: stay who we are
  Duration drain = 30s;
  std::optional<std::uint64_t> memory;  // bytes of payload that may be under way; beyond them nobody new is taken
  bool core_dumps = false;
  bool seccomp = false;
  std::string state_dir;  // where good configs are kept; empty: nowhere

  bool operator==(const Process&) const = default;
};

struct Config {
  std::vector<Listener> listeners;
  ListenerTls tls;
  Client client;
  std::vector<Upstream> upstreams;  // in the order of the file
  Resolver resolver;
  std::vector<Site> sites;
  std::vector<ErrorPage> errors;
  AccessLog access_log;
  ErrorLog error_log;
  Admin admin;
  Process process;
  // For a question about it, never to be served: the files that it names may be on another machine.
  bool opens_no_files = false;

  bool operator==(const Config&) const = default;
};

}  // namespace viaduct::config

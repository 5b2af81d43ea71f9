// SPDX-License-Identifier: Apache-2.0
#include "config/foreign_words.h"

#include <algorithm>

#include "base/bytes.h"

namespace viaduct::config {

namespace {

struct Hint {
  std::string_view word;
  std::string_view sentence;
};

constexpr std::string_view kAtTop = "";

// Words that mean something else at the top of the file than inside.
constexpr Hint kTopHints[] = {
    {"upstream", "upstreams are a map of names: upstreams: { NAME: { servers: [URL] } }"},
    {"routes", "routes belong to a site: sites: [{ hosts: [NAME], routes: [...] }]"},
    {"route", "routes belong to a site: sites: [{ hosts: [NAME], routes: [...] }]"},
    {"hosts", "host names belong to a site: sites: [{ hosts: [NAME], routes: [...] }]"},
    {"host", "host names belong to a site: sites: [{ hosts: [NAME], routes: [...] }]"},
    {"user", "write process: { user: NAME }"},
    {"http", "there is no http block; its keys stand at the top of the file: listeners, upstreams, sites"},
    {"server", "a server block is a site here: sites: [{ hosts: [NAME], routes: [...] }]"},
};

constexpr std::string_view kInListener = "listeners[]";

constexpr Hint kListenerHints[] = {
    {"listen", "the address is called address: address: \"0.0.0.0:443\""},
    {"bind", "the address is called address: address: \"0.0.0.0:443\""},
    {"host", "host and port are one address: address: \"0.0.0.0:443\""},
    {"ssl", "write tls: true"},
};

constexpr Hint kHints[] = {
    // nginx
    {"location", "a location is a route here: routes: [{ match: { prefix: /x }, upstream: NAME }]"},
    {"proxy_pass", "name an upstream: upstream: NAME, and give its address under upstreams: NAME: servers: [URL]"},
    {"server_name", "host names are called hosts: hosts: [example.com, www.example.com]"},
    {"listen", "write listeners: [{ address: \"0.0.0.0:443\", tls: true }] at the top of the file"},
    {"root", "files are served by static: { root: DIRECTORY }"},
    {"alias", "write static: { root: DIRECTORY, strip_prefix: /x }"},
    {"try_files", "write static: { root: DIRECTORY, fallback: /index.html }"},
    {"autoindex", "directories are never listed; delete it"},
    {"events", "there is no events block; delete it"},
    {"stream", "only HTTP is carried; delete it"},
    {"worker_processes", "write process: { workers: auto } at the top of the file"},
    {"worker_connections", "write client: { max_connections: NUMBER } at the top of the file"},
    {"return", "write redirect: { to: URL, status: 301 } or respond: { status: 200, body: TEXT }"},
    {"error_page", "write errors: { \"502-504\": { file: FILE } } at the top of the file"},
    {"access_log", "write logs: { access: { file: FILE } } at the top of the file"},
    {"error_log", "write logs: { error: { file: FILE, level: info } } at the top of the file"},
    {"log_format", "write logs: { access: { format: json } } at the top of the file"},
    {"add_header", "write headers: { response: { add: { NAME: VALUE } } }"},
    {"proxy_set_header", "write headers: { request: { set: { NAME: VALUE } } }; X-Forwarded-* are set by themselves"},
    {"proxy_hide_header", "write headers: { response: { remove: [NAME] } }"},
    {"more_set_headers", "write headers: { response: { set: { NAME: VALUE } } }"},
    {"proxy_connect_timeout", "write timeouts: { connect: 2s }"},
    {"proxy_send_timeout", "write timeouts: { send: 60s }"},
    {"proxy_read_timeout", "write timeouts: { read: 60s }"},
    {"proxy_next_upstream", "write retry: { attempts: 2 }"},
    {"proxy_http_version", "HTTP/1.1 with keep-alive is always used; delete it"},
    {"proxy_buffering", "bodies stream with backpressure; delete it"},
    {"proxy_redirect", "answers of the upstream are not rewritten; delete it"},
    {"proxy_ssl_server_name", "the name is sent by default; write upstreams: NAME: tls: { sni: HOST } to change it"},
    {"proxy_ssl_verify",
     "certificates are verified by default; write upstreams: NAME: tls: { verify: false } to stop it"},
    {"client_max_body_size", "write body_limit: 20m"},
    {"client_body_timeout", "write client: { body_timeout: 30s } at the top of the file"},
    {"client_header_timeout", "write client: { header_timeout: 10s } at the top of the file"},
    {"keepalive_timeout", "write client: { idle_timeout: 75s } at the top of the file"},
    {"large_client_header_buffers", "write client: { max_head_size: 32k } at the top of the file"},
    {"set_real_ip_from", "write trusted_proxies: [CIDR] in the site"},
    {"real_ip_header", "X-Forwarded-For of trusted_proxies is used; delete it"},
    {"limit_req", "write rate_limit: { rate: 50/s, burst: 100 }"},
    {"limit_conn", "write client: { max_connections_per_address: NUMBER } at the top of the file"},
    {"gzip", "bodies pass unchanged, so nothing is compressed; for static files put .gz or .br files next to them"},
    {"brotli", "bodies pass unchanged, so nothing is compressed; for static files put .gz or .br files next to them"},
    {"ssl",
     "TLS is switched on by tls: true of a listener; certificates stand in tls: { cert: FILE, key: FILE } of a "
     "site"},
    {"ssl_certificate", "write tls: { cert: FILE, key: FILE } in the site"},
    {"ssl_certificate_key", "write tls: { cert: FILE, key: FILE } in the site"},
    {"ssl_protocols", "write tls: { min_version: \"1.2\" } at the top of the file"},
    {"ssl_ciphers", "ciphers are chosen by the TLS library; delete it"},
    {"ip_hash", "write balance: \"hash client_ip\""},
    {"least_conn", "write balance: least_requests"},
    {"if", "there are no conditions beyond match: { methods, headers, query }"},
    // HAProxy
    {"frontend", "write listeners and sites at the top of the file"},
    {"frontends", "write listeners and sites at the top of the file"},
    {"backend",
     "it is called an upstream here: upstreams: { NAME: { servers: [URL] } }, and upstream: NAME in a route"},
    {"backends", "they are called upstreams here: upstreams: { NAME: { servers: [URL] } }"},
    {"default_"
     "backend",
     "write a route: { match: { prefix: / }, upstream: NAME }"},
    {"use_"
     "backend",
     "write a route: { match: { prefix: /x }, upstream: NAME }"},
    {"bind", "write listeners: [{ address: \"0.0.0.0:443\", tls: true }] at the top of the file"},
    {"acl", "conditions stand in a route: match: { prefix, exact, methods, headers, query }"},
    {"global", "there is no global section; write process, logs and client at the top of the file"},
    {"maxconn", "write client: { max_connections: NUMBER }, or max_connections in an upstream"},
    {"option", "there are no options; delete it"},
    {"balance_algorithm", "write balance: round_robin"},
    {"check", "write health: { path: /health } in the upstream"},
    {"health_check", "write health: { path: /health } in the upstream"},
    {"healthcheck", "write health: { path: /health } in the upstream"},
    // Caddy, Traefik, Apache, lighttpd
    {"reverse_proxy", "name an upstream: upstream: NAME, and give its address under upstreams: NAME: servers: [URL]"},
    {"proxy", "name an upstream: upstream: NAME, and give its address under upstreams: NAME: servers: [URL]"},
    {"file_server", "write static: { root: DIRECTORY }"},
    {"handle", "write a route: { match: { prefix: /x }, upstream: NAME }"},
    {"handle_path", "write a route with rewrite: { strip_prefix: /x }"},
    {"encode", "bodies pass unchanged, so nothing is compressed; delete it"},
    {"virtualhost", "a virtual host is a site: sites: [{ hosts: [NAME], routes: [...] }]"},
    {"proxypass", "name an upstream: upstream: NAME, and give its address under upstreams: NAME: servers: [URL]"},
    {"documentroot", "write static: { root: DIRECTORY }"},
    {"entrypoints", "write listeners: [{ address: \"0.0.0.0:443\", tls: true }]"},
    {"routers", "routers are routes of a site: sites: [{ hosts: [NAME], routes: [...] }]"},
    {"services", "services are called upstreams: upstreams: { NAME: { servers: [URL] } }"},
    {"middlewares", "cors, headers, rewrite, allow and rate_limit are keys of a route"},
    {"loadbalancer", "write upstreams: { NAME: { servers: [URL, URL], balance: round_robin } }"},
    {"rule", "write match: { prefix: /x }"},
    // Habits
    {"whitelist", "write allow: { addresses: [CIDR], mode: enforce }"},
    {"allowlist", "write allow: { addresses: [CIDR], mode: enforce }"},
    {"blacklist", "paths are refused by deny: [/path]; addresses are admitted by allow: { addresses: [CIDR] }"},
    {"denylist", "paths are refused by deny: [/path]; addresses are admitted by allow: { addresses: [CIDR] }"},
    {"server", "the servers of an upstream are a list: servers: [URL]"},
    {"host", "host names of a site are a list: hosts: [NAME]; the Host that is sent is host in an upstream"},
    {"domain", "host names are called hosts: hosts: [example.com]"},
    {"domains", "host names are called hosts: hosts: [example.com]"},
    {"path", "write match: { exact: /path } or match: { prefix: /path }"},
    {"url", "write redirect: { to: URL }, or name an upstream"},
    {"port", "the port is part of the address: address: \"0.0.0.0:443\""},
    {"gzip_static", "precompressed .gz and .br files are used by themselves; delete it"},
    {"compression", "bodies pass unchanged, so nothing is compressed; delete it"},
    {"certificate", "write tls: { cert: FILE, key: FILE } in the site"},
    {"certificates", "write tls: { cert: FILE, key: FILE } in the site; a list of both for several"},
    {"timeout", "write timeouts: { connect: 2s, send: 60s, read: 60s }"},
    {"cache", "nothing is cached here; write static: { expires: 30d } for what browsers may keep"},
    {"<<", "merge keys are not known; put what routes share into defaults or into their site"},
};

}  // namespace

std::string_view foreign_word_hint(std::string_view word, std::string_view kind) {
  const std::string lower = base::lower_case(word);
  if (kind == kAtTop) {
    const auto* top = std::ranges::find(kTopHints, lower, &Hint::word);
    if (top != std::end(kTopHints)) return top->sentence;
  }
  if (kind == kInListener) {
    const auto* listener = std::ranges::find(kListenerHints, lower, &Hint::word);
    if (listener != std::end(kListenerHints)) return listener->sentence;
  }
  const auto* hint = std::ranges::find(kHints, lower, &Hint::word);
  return hint == std::end(kHints) ? std::string_view() : hint->sentence;
}

}  // namespace viaduct::config

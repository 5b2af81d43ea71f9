// SPDX-License-Identifier: Apache-2.0
#include "config/listener_keys.h"

#include "config/address.h"
#include "config/filter_keys.h"
#include "config/key_types.h"

namespace viaduct::config {

namespace {

// Limits of limits: beyond them a value is a slip, not a wish.
constexpr std::uint64_t kKibi = 1024;
constexpr std::uint64_t kHeadMax = kKibi * kKibi;
constexpr std::uint64_t kConnectionsMax = 1'000'000;

Type<Listener> listener_address() {
  Type<Listener> type;
  type.info.name = "address";
  type.read = [](const Node& node, Listener& listener, const Scope& scope) {
    const auto text = read_scalar(node, scope, "an address");
    if (!text) return;
    auto addresses = parse_listener_address(*text);
    if (!addresses) return scope.error(node.place, std::move(addresses).error());
    listener.address = *text;
    listener.addresses = std::move(*addresses);
  };
  type.write = [](const Listener& listener) { return Node::quoted(listener.address); };
  return type;
}

Type<TlsVersion> tls_version() {
  return choice<TlsVersion>({{.word = "1.0", .value = TlsVersion::k1_0},
                             {.word = "1.1", .value = TlsVersion::k1_1},
                             {.word = "1.2", .value = TlsVersion::k1_2},
                             {.word = "1.3", .value = TlsVersion::k1_3}});
}

}  // namespace

Type<ClientAuth> client_auth() {
  return choice<ClientAuth>(
      {{.word = "require", .value = ClientAuth::kRequire}, {.word = "optional", .value = ClientAuth::kOptional}});
}

Table<Listener> listener_keys() {
  Table<Listener> table;
  table
      .add("address", listener_address(),
           "Where to accept connections: \"0.0.0.0:80\", \"[::]:443\", \":443\" for both families, or \"unix:/path\".")
      .required();
  table.add("tls", &Listener::tls, boolean(), "Speak TLS, with the certificates of the sites.");
  table.add("http2", &Listener::http2, boolean(), "Offer HTTP/2 by ALPN; on a TLS listener alone.");
  table.add("h2c", &Listener::h2c, boolean(),
            "Take HTTP/2 without TLS from clients that know it beforehand; on a listener without TLS alone.");
  table.add("proxy_protocol", &Listener::proxy_protocol, boolean(),
            "Expect the PROXY protocol (1 or 2) first on every connection; the client it announces is the client for "
            "all that follows.");
  table
      .add("proxy_from", &Listener::proxy_from, cidr_set(),
           "Who may connect where proxy_protocol is on, since its header chooses the client's address; Unix sockets "
           "need none.")
      .defaults_to("loopback and private networks (RFC 1918, 4193, 6598, link-local)");
  table.add("redirect_to_https", &Listener::redirect_to_https, boolean(),
            "Answer 308 to the port of the TLS listener; callback routes, /.well-known/acme-challenge/ and "
            "MP_verify_*.txt are spared.");
  return table;
}

Table<ListenerTls> listener_tls_keys() {
  Table<ListenerTls> table;
  table.add("min_version", &ListenerTls::min_version, tls_version(), "The oldest TLS version that is accepted.");
  table.add("max_version", &ListenerTls::max_version, tls_version(), "The newest TLS version that is accepted.");
  table.add("session_tickets", &ListenerTls::session_tickets, boolean(),
            "Let clients resume sessions by tickets; the keys rotate and all workers share them.");
  table.add("client_ca", &ListenerTls::client_ca, path("file"), "The client_ca of sites whose tls names none.");
  table.add("client_auth", &ListenerTls::client_auth, client_auth(), "The client_auth of these sites.");
  return table;
}

Table<Client> client_keys() {
  Table<Client> table;
  const auto timeout = duration(1ms, 24h);
  table.add("handshake_timeout", &Client::handshake_timeout, timeout,
            "How long a TLS handshake may take, and before it the header of the PROXY protocol.");
  table.add("header_timeout", &Client::header_timeout, timeout,
            "How long the whole head of a request may take; 408. The first of a connection has until then to come.");
  table.add("body_timeout", &Client::body_timeout, timeout,
            "How long a client may be silent between two reads of a body, or two writes of an answer.");
  table.add("idle_timeout", &Client::idle_timeout, timeout, "How long a connection may wait for its next request.");
  table.add("min_rate", &Client::min_rate, or_null(size<std::uint64_t>(1, kKibi * kKibi * kKibi)),
            "Bytes a second that a client must keep up in either direction while bytes are due, after 10 s of grace.");
  table.add("max_head_size", &Client::max_head_size, size<std::uint32_t>(kKibi, kHeadMax),
            "All header fields of a request together; 431.");
  table.add("max_fields", &Client::max_fields, count<std::uint32_t>(1, 10'000), "Header fields of a request; 431.");
  table.add("max_target_size", &Client::max_target_size, size<std::uint32_t>(64, kHeadMax),
            "The request target, query included; 414.");
  table.add("max_connections", &Client::max_connections, count<std::uint32_t>(1, kConnectionsMax),
            "Connections of clients in all.");
  table.add("max_connections_per_address", &Client::max_connections_per_address,
            or_null(count<std::uint32_t>(1, kConnectionsMax)),
            "Connections of one client address, or IPv6 network of 64 bits; those on Unix sockets are not counted.");
  table.add("max_handshakes", &Client::max_handshakes, or_null(count<std::uint32_t>(1, kConnectionsMax)),
            "TLS handshakes that may be under way at one time; whoever comes then is closed (handshake_limit).");
  table.add("max_requests", &Client::max_requests, or_null(count<std::uint32_t>(1)),
            "Requests that one connection may carry.");
  return table;
}

}  // namespace viaduct::config

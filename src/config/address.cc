// SPDX-License-Identifier: Apache-2.0
#include "config/address.h"

#include <sys/un.h>

#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/format.h"
#include "config/names.h"

namespace viaduct::config {

namespace {

constexpr std::size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::uint16_t kDnsPort = 53;
constexpr std::string_view kServiceScheme = "srv+";

std::unexpected<std::string> wrong(std::string message) {
  return std::unexpected(std::move(message));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = base::parse_decimal(text);
  if (!port || *port > 65535 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

Parsed<std::string> check_unix_path(const std::string& path) {
  if (!path.starts_with('/')) return wrong(base::format("\"unix:{}\" is not absolute; write unix:/path", path));
  if (path.size() > kUnixPathMax) {
    return wrong(base::format("the path of a Unix socket has at most {} bytes, this has {}; shorten it", kUnixPathMax,
                              path.size()));
  }
  return path;
}

// What was probably meant by `text`, which is no address.
std::string explain_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const std::string host = text.substr(0, colon);
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (colon == std::string::npos && parse_port(text)) return base::format("write \":{}\" for both families", text);
  if (text.contains("://")) return "an address has no scheme; write one like \"0.0.0.0:443\", and tls: true for https";
  if (base::IpAddress::parse(text) && !text.starts_with('[') && text.contains(':')) {
    return base::format("write \"[{}]:443\", with brackets and a port", text);
  }
  if (base::IpAddress::parse(text)) return base::format("write \"{}:443\", with a port", text);
  if (parse_port(port) && host == "*") return base::format("write \":{}\" for both families", port);
  if (parse_port(port) && host == "localhost") return base::format("write \"127.0.0.1:{}\"", port);
  if (!port.empty() && base::IpAddress::parse(host)) return "the port is a number from 0 to 65535";
  return "write one like \"0.0.0.0:443\", \"[::]:443\", \":443\" or \"unix:/path\"";
}

std::optional<base::SocketAddress> parse_ip_and_port(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  const std::string host = text.substr(0, colon);
  const auto ip = base::IpAddress::parse(host);
  const auto port = parse_port(text.substr(colon + 1));
  if (!ip || !port || (host.contains(':') && !host.starts_with('['))) return std::nullopt;
  return base::SocketAddress(*ip, *port);
}

// The host of a URL, in brackets when it is IPv6, and the rest behind it.
struct Authority {
  std::string host;
  std::string rest;
};

Authority split_authority(const std::string& text) {
  const std::size_t end = text.starts_with('[') ? text.find(']') : text.find_first_of(":/?#");
  if (end == std::string::npos) return {.host = text, .rest = {}};
  const std::size_t length = text[end] == ']' ? end + 1 : end;
  return {.host = text.substr(0, length), .rest = text.substr(length)};
}

std::string explain_server(const std::string& text) {
  const std::string example = "write one like http://10.0.0.6:8000, https://example.com or unix:/path";
  const std::size_t mark = text.find("://");
  if (mark == std::string::npos) {
    const Authority authority = split_authority(text);
    if (check_host_field(authority.host)) return base::format("\"{0}\" has no scheme; write http://{0}", text);
    return base::format("\"{}\" is no server; {}", text, example);
  }
  const std::string scheme = text.substr(0, mark);
  const bool is_service = scheme.starts_with(kServiceScheme);
  const std::string inner = is_service ? scheme.substr(kServiceScheme.size()) : scheme;
  if (inner != "http" && inner != "https") {
    return base::format("\"{}\" has the scheme {}, which is not spoken here; {}", text, scheme, example);
  }
  const std::string rest = text.substr(mark + 3);
  if (rest.contains('@')) return "a server takes no user and password here; set headers: { request: { set: ... } }";
  if (const std::size_t path = rest.find_first_of("/?#"); path != std::string::npos) {
    return base::format(
        "\"{}\" has a path, but paths are forwarded as they come; write {}://{}, and rewrite to change them", text,
        scheme, rest.substr(0, path));
  }
  const Authority authority = split_authority(rest);
  if (is_service && authority.rest.starts_with(':')) {
    return base::format("\"{}\" has a port, which SRV records give themselves; write {}://{}", text, scheme,
                        authority.host);
  }
  if (is_service)
    return base::format("\"{}\" names no service; write one like {}://_api._tcp.example.com", text, scheme);
  if (authority.rest.starts_with(':') && check_host_field(authority.host)) {
    return base::format("\"{}\" has no port from 1 to 65535; write one like {}://{}:8000", text, scheme,
                        authority.host);
  }
  return base::format("\"{}\" is no server; {}", text, example);
}

// A name in lower case, without its final dot where others show that it is a whole one: nobody else writes it with one.
Parsed<std::string> check_server_host(const std::string& text) {
  const bool is_absolute = text.ends_with('.') && !text.starts_with('[');
  auto host = check_host_field(is_absolute ? text.substr(0, text.size() - 1) : text);
  if (host && is_absolute && !host->contains('.')) *host += '.';
  return host;
}

// "_api._tcp.example.com" is a service of example.com, which is whom a certificate and Host name.
std::string domain_of_service(std::string_view service) {
  while (service.starts_with('_') && service.contains('.')) service.remove_prefix(service.find('.') + 1);
  return std::string(service);
}

// What stands behind "srv+http://" or "srv+https://".
bool read_service(const std::string& name, Server& server) {
  const auto host = check_server_host(name);
  if (!host || base::IpAddress::parse(*host) || name.contains(':')) return false;
  server.service = *host;
  server.host = domain_of_service(*host);
  return true;
}

// A base with bits below its length: what it should have been.
std::string explain_cidr(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto address = base::IpAddress::parse(text.substr(0, slash));
  const auto length = slash == std::string::npos ? std::nullopt : base::parse_decimal(text.substr(slash + 1));
  if (!address || !length || *length > address->size() * 8) {
    return base::format("\"{}\" is no address range; write one like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1", text);
  }
  std::array<unsigned char, 16> bytes{};
  for (std::size_t bit = 0; bit < *length; ++bit) {
    const auto mask = static_cast<unsigned char>(0x80U >> (bit % 8));
    bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] | (address->bytes()[bit / 8] & mask));
  }
  const auto masked = base::IpAddress::from_bytes(bytes.data(), address->size());
  return base::format("\"{}\" has bits behind its length; write {}/{}, or {} for the one address", text,
                      masked.to_string(), *length, address->to_string());
}

}  // namespace

Parsed<std::vector<base::SocketAddress>> parse_listener_address(const std::string& text) {
  if (text.starts_with("unix:")) {
    auto path = check_unix_path(text.substr(5));
    if (!path) return wrong(std::move(path).error());
    return std::vector{base::SocketAddress::unix_path(*path)};
  }
  if (text.starts_with(':') && !text.starts_with("::")) {
    const auto port = parse_port(text.substr(1));
    if (!port) return wrong(base::format("\"{}\" has no port from 0 to 65535; write one like \":443\"", text));
    return std::vector{base::SocketAddress(*base::IpAddress::parse("::"), *port),
                       base::SocketAddress(*base::IpAddress::parse("0.0.0.0"), *port)};
  }
  if (const auto address = parse_ip_and_port(text)) return std::vector{*address};
  return wrong(base::format("\"{}\" is no address to listen on; {}", text, explain_address(text)));
}

Parsed<base::SocketAddress> parse_socket_address(const std::string& text) {
  if (const auto address = parse_ip_and_port(text)) return *address;
  return wrong(
      base::format("\"{}\" is no address with a port; write one like \"127.0.0.1:9180\" or \"0.0.0.0:9180\"", text));
}

Parsed<base::SocketAddress> parse_name_server(const std::string& text) {
  const auto ip = base::IpAddress::parse(text);
  if (ip && !text.starts_with('[')) return base::SocketAddress(*ip, kDnsPort);
  const auto address = parse_ip_and_port(text);
  if (address && address->port() != 0) return *address;
  return wrong(base::format(
      "\"{}\" is no address of a name server; write one like \"10.0.0.2\", \"127.0.0.1:5353\" or \"[::1]:5353\"",
      text));
}

Parsed<Server> parse_server_url(const std::string& text) {
  Server server;
  server.url = text;
  if (text.starts_with("unix:")) {
    auto path = check_unix_path(text.substr(5));
    if (!path) return wrong(std::move(path).error());
    server.is_unix = true;
    server.host = std::move(*path);
    server.port = 0;
    return server;
  }
  const bool is_service = text.starts_with(kServiceScheme);
  const std::string url = is_service ? text.substr(kServiceScheme.size()) : text;
  server.tls = url.starts_with("https://");
  if (!server.tls && !url.starts_with("http://")) return wrong(explain_server(text));
  server.port = server.tls ? 443 : 80;
  const std::string rest = url.substr(server.tls ? 8 : 7);
  if (is_service) return read_service(rest, server) ? Parsed<Server>(server) : wrong(explain_server(text));
  const Authority authority = split_authority(rest);
  const auto host = check_server_host(authority.host);
  if (!host) return wrong(explain_server(text));
  server.host = host->starts_with('[') ? host->substr(1, host->size() - 2) : *host;
  if (authority.rest.empty()) return server;
  const auto port = parse_port(authority.rest.front() == ':' ? authority.rest.substr(1) : "");
  if (!port || *port == 0) return wrong(explain_server(text));
  server.port = *port;
  return server;
}

Parsed<base::Cidr> parse_cidr(const std::string& text) {
  if (const auto range = base::Cidr::parse(text)) return *range;
  return wrong(explain_cidr(text));
}

}  // namespace viaduct::config

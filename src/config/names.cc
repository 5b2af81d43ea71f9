// SPDX-License-Identifier: Apache-2.0
#include "config/names.h"

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "base/format.h"
#include "base/ip.h"
#include "config/spelling.h"
#include "http/method.h"
#include "http/syntax.h"

namespace viaduct::config {

namespace {

constexpr std::size_t kHostLengthMax = 253;  // RFC 1035 §2.3.4, without the final dot
constexpr std::size_t kLabelLengthMax = 63;
constexpr std::size_t kNameLengthMax = 64;
constexpr std::size_t kPathLengthMax = 2048;

// RFC 9110 §7.6.1 and §6.4: these belong to one connection, or say how long a message is.
constexpr std::string_view kFixedFields[] = {
    "connection", "content-length", "keep-alive",        "proxy-connection", "te",
    "trailer",    "upgrade",        "transfer-encoding", "http2-settings",   "expect"};

std::unexpected<std::string> wrong(std::string message) {
  return std::unexpected(std::move(message));
}

bool is_letter_or_digit(char byte) {
  return base::is_digit(byte) || (base::to_lower(byte) >= 'a' && base::to_lower(byte) <= 'z');
}

bool is_label(std::string_view label) {
  const auto fits = [](char byte) { return is_letter_or_digit(byte) || byte == '-' || byte == '_'; };
  return !label.empty() && label.size() <= kLabelLengthMax && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, fits);
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > kHostLengthMax) return false;
  while (true) {
    const std::size_t dot = host.find('.');
    if (!is_label(host.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    host.remove_prefix(dot + 1);
  }
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char byte) { return static_cast<unsigned char>(byte) < 0x80; });
}

bool is_port(std::string_view text) {
  const auto port = base::parse_decimal(text);
  return port && *port >= 1 && *port <= 65535 && text.front() != '0';
}

// What ends in a number is an IPv4 address or nothing: no top-level domain is numeric.
bool is_host(std::string_view text) {
  if (text.starts_with('[')) return base::IpAddress::parse(text).has_value();
  const std::string_view last = text.substr(text.rfind('.') + 1);
  const bool is_numeric = base::parse_decimal(last).has_value();
  return is_numeric ? base::IpAddress::parse(text).has_value() : is_host_name(text);
}

// "host", "host:port", "[::1]:port": where the port begins, or npos.
std::size_t port_position(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  return colon == std::string_view::npos || text.ends_with(']') ? std::string_view::npos : colon;
}

// Why `text`, which is no host of a site, is none.
std::string explain_host(const std::string& text) {
  if (text == "*") return "\"*\" is no host; write default: true for a site that takes every host";
  if (text.contains("://")) {
    const std::string rest = text.substr(text.find("://") + 3);
    return base::format("\"{}\" is a URL; write the host alone: {}", text, rest.substr(0, rest.find_first_of("/:")));
  }
  if (!is_ascii(text)) {
    return base::format("\"{}\" has letters outside ASCII; write its xn-- form, as clients send it", text);
  }
  const std::size_t port = port_position(text);
  if (port != std::string::npos && is_port(text.substr(port + 1)) && is_host(text.substr(0, port))) {
    return base::format("\"{}\" has a port; hosts compare without port, so write {}", text, text.substr(0, port));
  }
  if (text.ends_with('.') && is_host_name(text.substr(0, text.size() - 1))) {
    return base::format("\"{}\" ends in a dot; write {}", text, text.substr(0, text.size() - 1));
  }
  if (text.contains('*')) {
    return base::format("\"{}\" has a * where none can be; write it as the first label alone: *.example.com", text);
  }
  if (text.contains('/')) return base::format("\"{}\" holds a path; write the host alone, the path in match", text);
  return base::format("\"{}\" is no host name; write one like www.example.com or *.example.com", text);
}

// The path with %XX decoded, for advice; empty when nothing is to decode.
std::string decode_escapes(std::string_view text) {
  std::string decoded;
  bool has_escape = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && base::hex_value(text[i + 1]) >= 0 &&
        base::hex_value(text[i + 2]) >= 0) {
      decoded += static_cast<char>(base::hex_value(text[i + 1]) * 16 + base::hex_value(text[i + 2]));
      has_escape = true;
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return has_escape ? decoded : std::string();
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment == "." || segment == "..") return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
  return false;
}

bool is_control(char byte) {
  return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
}

// What makes a path one that no request can be matched with; empty when there is nothing.
std::string explain_path(const std::string& text) {
  if (text.empty()) return "the path is empty; write / for all paths";
  if (text.front() != '/') return base::format("\"{0}\" does not start with a slash; write /{0}", text);
  if (text.size() > kPathLengthMax) return base::format("the path is longer than {} bytes; shorten it", kPathLengthMax);
  if (!base::is_utf8(text)) return "the path is not UTF-8; write the decoded path in UTF-8";
  if (std::ranges::any_of(text, is_control)) return "the path holds a control character; delete it";
  if (text.contains('?')) {
    return base::format("\"{}\" holds a query; write the path alone, and match: {{ query: {{ NAME: VALUE }} }}", text);
  }
  if (text.contains('#')) return base::format("\"{}\" holds a fragment, which clients never send; delete it", text);
  if (text.contains('*')) {
    return base::format("\"{}\" holds a *, which has no meaning in a path; write a prefix (/x/) or a regex", text);
  }
  if (const std::string decoded = decode_escapes(text); !decoded.empty()) {
    return base::format("\"{}\" is escaped, but paths here are decoded; write {}", text,
                        base::is_utf8(decoded) ? "\"" + decoded + "\"" : "the characters themselves");
  }
  if (has_dot_segment(text)) return base::format("\"{}\" has a dot segment; write the path without it", text);
  if (text.contains("//")) return base::format("\"{}\" has an empty segment; write one slash instead of two", text);
  if (text.contains('\\')) return base::format("\"{}\" has a backslash; write /", text);
  return {};
}

}  // namespace

Parsed<std::string> check_host(const std::string& text) {
  std::string host = base::lower_case(text);
  const std::string_view name = host.starts_with("*.") ? std::string_view(host).substr(2) : std::string_view(host);
  if (name.size() == host.size() ? is_host(name) : is_host_name(name)) return host;
  return wrong(explain_host(text));
}

Parsed<std::string> check_host_field(const std::string& text) {
  std::string host = base::lower_case(text);
  const std::size_t port = port_position(host);
  const bool has_port = port != std::string::npos && !is_host(host);
  if (is_host(has_port ? host.substr(0, port) : host) && (!has_port || is_port(host.substr(port + 1)))) return host;
  return wrong(base::format("\"{}\" is no host; write one like www.example.com or www.example.com:8443", text));
}

Parsed<std::string> check_field_name(const std::string& text) {
  if (http::is_token(text)) return text;
  if (text.ends_with(':') && http::is_token(text.substr(0, text.size() - 1))) {
    return wrong(base::format("\"{}\" ends in a colon; write {}", text, text.substr(0, text.size() - 1)));
  }
  return wrong(base::format("\"{}\" is no field name; write letters, digits and - alone", text));
}

Parsed<std::string> check_editable_field(const std::string& text) {
  const std::string lower = base::lower_case(text);
  if (lower == "x-request-id") {
    return wrong(base::format(
        "{} is the client's own or made here, and the same in request, answer and log; delete this", text));
  }
  if (std::ranges::find(kFixedFields, lower) != std::end(kFixedFields)) {
    return wrong(base::format(
        "{} belongs to the connection and says where a message ends, so no config edits it; delete this", text));
  }
  return check_field_name(text);
}

Parsed<std::string> check_field_value(const std::string& text) {
  if (http::is_field_value(text)) return text;
  const std::string_view blanks = " \t";
  if (blanks.contains(text.front()) || blanks.contains(text.back())) {
    return wrong("the value starts or ends with a space, which does not arrive; delete it");
  }
  return wrong("the value holds a line end or another control character; write one line");
}

Parsed<std::string> check_method(const std::string& text) {
  const std::vector<std::string> known = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"};
  if (std::ranges::find(known, text) != known.end()) return text;
  if (text == "CONNECT") return wrong("CONNECT asks for a tunnel, which is never given; delete it");
  if (text == "*" || base::lower_case(text) == "any") {
    return wrong(base::format("\"{}\" is no method; leave methods out to take all", text));
  }
  if (const std::string likely = nearest(text, known); !likely.empty()) {
    return wrong(base::format("\"{}\" is no method; did you mean \"{}\"?", text, likely));
  }
  const auto is_small = [](char byte) { return byte >= 'a' && byte <= 'z'; };
  if (http::is_token(text) && std::ranges::none_of(text, is_small)) return text;
  return wrong(base::format("\"{}\" is no method; write a name in capitals, like GET or POST", text));
}

Parsed<std::string> check_cors_origin(const std::string& text) {
  if (text == "*" || text == "null") return text;
  const std::size_t mark = text.find("://");
  if (mark == std::string::npos) {
    return wrong(base::format("\"{0}\" has no scheme; browsers send it, so write https://{0}", text));
  }
  const std::string scheme = base::lower_case(text.substr(0, mark));
  std::string host = base::lower_case(text.substr(mark + 3));
  if (const std::size_t slash = host.find_first_of("/?#"); slash != std::string::npos) {
    return wrong(
        base::format("\"{}\" goes on behind the host; browsers send scheme, host and port alone, so write {}://{}",
                     text, scheme, host.substr(0, slash)));
  }
  const bool is_default_port =
      (scheme == "https" && host.ends_with(":443")) || (scheme == "http" && host.ends_with(":80"));
  if (is_default_port) {
    return wrong(base::format("\"{}\" has the default port, which browsers leave out; write {}://{}", text, scheme,
                              host.substr(0, host.rfind(':'))));
  }
  const std::string name = host.starts_with("*.") ? host.substr(2) : host;
  const bool is_scheme = http::is_token(scheme) && is_letter_or_digit(scheme.front());
  if (is_scheme && check_host_field(name) && !(host != name && name.starts_with('['))) return scheme + "://" + host;
  return wrong(base::format(
      "\"{}\" is no origin as CORS has it; write one like https://www.example.com or https://*.example.com", text));
}

Parsed<std::string> check_path(const std::string& text) {
  if (std::string fault = explain_path(text); !fault.empty()) return wrong(std::move(fault));
  return text;
}

Parsed<std::string> check_replacement(const std::string& text) {
  if (!base::is_utf8(text)) return wrong("the replacement is not UTF-8; write it in UTF-8");
  if (std::ranges::any_of(text, is_control)) return wrong("the replacement holds a control character; delete it");
  if (text.contains('#')) {
    return wrong(base::format("\"{}\" holds a fragment, which clients never send; delete it", text));
  }
  const std::string path = text.substr(0, text.find('?'));
  if (const std::string decoded = decode_escapes(path); !decoded.empty()) {
    return wrong(base::format("\"{}\" is escaped, but paths here are decoded; write {}", path,
                              base::is_utf8(decoded) ? "\"" + decoded + "\"" : "the characters themselves"));
  }
  return text;
}

Parsed<std::string> check_name(const std::string& text) {
  const auto fits = [](char byte) { return is_letter_or_digit(byte) || byte == '.' || byte == '_' || byte == '-'; };
  if (!text.empty() && text.size() <= kNameLengthMax && std::ranges::all_of(text, fits)) return text;
  return wrong(
      base::format("\"{}\" is no name; write at most {} letters, digits, \".\", \"_\" or \"-\"", text, kNameLengthMax));
}

Parsed<std::string> check_regex(const std::string& text) {
  if (text.empty()) return wrong("the regular expression is empty; write one, or prefix: / for all paths");
  if (text.starts_with("~")) {
    return wrong(
        base::format("\"{}\" starts with nginx's ~; write the expression alone, (?i) in front for no case", text));
  }
  return text;
}

}  // namespace viaduct::config

// SPDX-License-Identifier: Apache-2.0
#include "filter/forwarded.h"

#include <array>
#include <charconv>

#include "base/bytes.h"
#include "exchange/exchange.h"

namespace viaduct::filter {
namespace {

using http::FieldName;

bool is_ours(FieldName id) {
  return id == FieldName::kXRealIp || id == FieldName::kXForwardedFor || id == FieldName::kXForwardedProto ||
         id == FieldName::kXForwardedHost || id == FieldName::kXForwardedPort || id == FieldName::kForwarded;
}

// X_Forwarded_For and its kind: servers that turn names into environment variables cannot tell them from ours.
bool imitates_ours(std::string_view name) {
  std::array<char, 24> dashed{};
  if (name.size() > dashed.size() || name.find('_') == std::string_view::npos) return false;
  for (std::size_t i = 0; i < name.size(); ++i) dashed[i] = name[i] == '_' ? '-' : name[i];
  return is_ours(http::find_field_name({dashed.data(), name.size()}));
}

// X-Forwarded-Prefix, X-Forwarded-User and their kind: frameworks believe more of them than we set.
bool is_of_family(std::string_view name) {
  constexpr std::string_view kFamily = "x-forwarded-";
  if (name.size() < kFamily.size() || (name.front() | 0x20) != 'x') return false;
  std::array<char, kFamily.size()> dashed{};
  for (std::size_t i = 0; i < dashed.size(); ++i) dashed[i] = name[i] == '_' ? '-' : name[i];
  return base::equals_ignoring_case({dashed.data(), dashed.size()}, kFamily);
}

// What the last of the proxies says, which adds a line where it does not replace one.
std::string_view last_value(const http::Fields& fields, FieldName id) {
  std::string_view last;
  for (const http::Field& field : fields) {
    if (field.id == id) last = field.value;
  }
  return last;
}

// The values of X-Forwarded-For so far, joined, and our peer behind them.
std::string_view extend_forwarded_for(const http::Fields& fields, std::string_view peer) {
  base::Arena& arena = fields.arena();
  std::string_view joined;
  for (const http::Field& field : fields) {
    if (field.id != FieldName::kXForwardedFor || field.value.empty()) continue;
    if (!joined.empty()) joined = arena.append(joined, ", ");
    joined = joined.empty() ? arena.copy(field.value) : arena.append(joined, field.value);
  }
  return joined.empty() ? peer : arena.append(arena.append(joined, ", "), peer);
}

std::string_view address_text(const base::IpAddress& address, base::Arena& arena) {
  std::array<char, 46> text{};
  return arena.copy({text.data(), address.write(text.data())});
}

std::string_view port_text(std::uint16_t port, base::Arena& arena) {
  std::array<char, 6> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), port).ptr;
  return arena.copy({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

}  // namespace

exchange::FilterVerdict Forwarded::on_request(exchange::Exchange& exchange) const {
  if (mode_ == config::ForwardedMode::kOff) return exchange::FilterVerdict::kContinue;
  http::Fields& fields = exchange.request().fields;
  base::Arena& arena = exchange.arena();
  const bool trusted = exchange.is_peer_trusted();
  const bool appends = trusted || mode_ == config::ForwardedMode::kAppend;
  const std::string_view peer = address_text(exchange.client().peer.ip(), arena);
  const std::string_view chain = appends ? extend_forwarded_for(fields, peer) : peer;
  const std::string_view given_proto = trusted ? last_value(fields, FieldName::kXForwardedProto) : std::string_view{};
  const std::string_view given_host = trusted ? last_value(fields, FieldName::kXForwardedHost) : std::string_view{};
  const std::string_view given_port = trusted ? last_value(fields, FieldName::kXForwardedPort) : std::string_view{};
  fields.remove_if([trusted, appends](const http::Field& field) {
    if (field.id == FieldName::kForwarded && trusted) return false;
    if (is_ours(field.id)) return true;
    return field.id == FieldName::kOther && (imitates_ours(field.name) || (!appends && is_of_family(field.name)));
  });
  const bool is_direct = exchange.client_ip() == exchange.client().peer.ip();
  fields.add(FieldName::kXRealIp, is_direct ? peer : address_text(exchange.client_ip(), arena));
  fields.add(FieldName::kXForwardedFor, chain);
  fields.add(FieldName::kXForwardedProto, given_proto.empty() ? exchange.scheme() : given_proto);
  fields.add(FieldName::kXForwardedHost, given_host.empty() ? exchange.request().authority : given_host);
  const std::uint16_t port = exchange.client().local.port();
  // A Unix socket has none.
  if (given_port.empty() && port == 0) return exchange::FilterVerdict::kContinue;
  fields.add(FieldName::kXForwardedPort, given_port.empty() ? port_text(port, arena) : given_port);
  return exchange::FilterVerdict::kContinue;
}

}  // namespace viaduct::filter

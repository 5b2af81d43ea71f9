// SPDX-License-Identifier: Apache-2.0
#include "action/balance_key.h"

namespace viaduct::action {
namespace {

std::string_view bytes_of(const base::IpAddress& address) {
  if (address == base::IpAddress()) return {};
  return {reinterpret_cast<const char*>(address.bytes()), address.size()};
}

std::string_view key_of(const config::Balance& balance, exchange::Exchange& exchange) {
  switch (balance.kind) {
    case config::BalanceKind::kRoundRobin:
    case config::BalanceKind::kLeastRequests: return {};
    case config::BalanceKind::kHashClientIp: return bytes_of(exchange.client_ip());
    case config::BalanceKind::kHashPath: {
      const std::string_view target = exchange.request().target;
      return target.substr(0, target.find('?'));
    }
    case config::BalanceKind::kHashHeader: {
      const http::Field* field = exchange.request().fields.find(balance.header);
      return field == nullptr ? std::string_view{} : field->value;
    }
  }
  return {};
}

}  // namespace

upstream::PickBy choose_by(exchange::Exchange& exchange, const config::Upstream& upstream) {
  const auto& of_route = exchange.route().balance;
  const config::Balance& balance = of_route ? *of_route : upstream.balance;
  return {.balance = &balance, .key = key_of(balance, exchange)};
}

}  // namespace viaduct::action

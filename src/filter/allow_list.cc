// SPDX-License-Identifier: Apache-2.0
#include "filter/allow_list.h"

#include "base/log.h"
#include "exchange/exchange.h"

namespace viaduct::filter {

exchange::FilterVerdict AllowList::on_request(exchange::Exchange& exchange) const {
  if (allow_.addresses.contains(exchange.client_ip())) return exchange::FilterVerdict::kContinue;
  if (allow_.mode == config::AllowMode::kEnforce) {
    exchange.fail(http::Reason::kAddressNotAllowed);
    return exchange::FilterVerdict::kAnswered;
  }
  LOG_INFO("address_not_listed route={} client_ip={} request_id={}", base::quoted(exchange.route().name),
           exchange.client_ip().to_string(), exchange.request_id());
  return exchange::FilterVerdict::kContinue;
}

}  // namespace viaduct::filter

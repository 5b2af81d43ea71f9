// SPDX-License-Identifier: Apache-2.0
// What a route does with requests and responses on their way. Filters are made once from the config, keep no state of
// an exchange (that lives in its arena) and are shared by all workers.
#pragma once

#include <cstdint>

#include "http/message.h"

namespace viaduct::exchange {

class Exchange;

enum class FilterVerdict : std::uint8_t {
  kContinue,
  kAnswered,  // the filter has given the answer (Exchange::fail or respond); nothing else sees the request
  kWaits,     // the filter has called Exchange::wait and will call resume, fail or respond in another turn
};

class Filter {
 public:
  virtual ~Filter() = default;
  // Sees, and may change, the request before the action does. Filters go in the order of the route's plan.
  virtual FilterVerdict on_request(Exchange& exchange) const = 0;
  // Sees, and may change, every final response head, also those that Viaduct itself gives, in reverse order.
  virtual void on_response(Exchange& exchange, http::ResponseHead& head) const = 0;
};

}  // namespace viaduct::exchange

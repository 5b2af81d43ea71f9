// SPDX-License-Identifier: Apache-2.0
// Who may use a route, by address: refuses everybody else, or only reports them in the error log.
// Stateless; shared by all workers.
#pragma once

#include "config/types.h"
#include "exchange/filter.h"

namespace viaduct::filter {

class AllowList final : public exchange::Filter {
 public:
  explicit AllowList(config::Allow allow) : allow_(std::move(allow)) {}
  exchange::FilterVerdict on_request(exchange::Exchange& exchange) const override;
  void on_response(exchange::Exchange&, http::ResponseHead&) const override {}

 private:
  config::Allow allow_;
};

}  // namespace viaduct::filter

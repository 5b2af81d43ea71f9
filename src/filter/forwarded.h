// SPDX-License-Identifier: Apache-2.0
// Tells the upstream who asked: X-Real-IP, X-Forwarded-For, -Proto, -Host and -Port from the connection itself. What a
// client says of itself is dropped unless a trusted proxy says it. Stateless; shared by all workers.
#pragma once

#include "config/types.h"
#include "exchange/filter.h"

namespace viaduct::filter {

class Forwarded final : public exchange::Filter {
 public:
  explicit Forwarded(config::ForwardedMode mode) : mode_(mode) {}
  exchange::FilterVerdict on_request(exchange::Exchange& exchange) const override;
  void on_response(exchange::Exchange&, http::ResponseHead&) const override {}

 private:
  config::ForwardedMode mode_;
};

}  // namespace viaduct::filter

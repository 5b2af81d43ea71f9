// SPDX-License-Identifier: Apache-2.0
// The action that forwards a request to an upstream and its answer to the client, bodies untouched in both directions.
// ProxyAction is the immutable action of a route; ProxyRun (action/proxy_run.h) carries one exchange.
#pragma once

#include <cstddef>

#include "exchange/action.h"

namespace viaduct::action {

class ProxyAction final : public exchange::Action {
 public:
  // `upstream_index`: the place of the upstream in the snapshot's config.
  explicit ProxyAction(std::size_t upstream_index) : upstream_index_(upstream_index) {}
  base::ArenaPtr<exchange::ActionRun> begin(exchange::Exchange& exchange) const override;

 private:
  std::size_t upstream_index_;
};

}  // namespace viaduct::action

// SPDX-License-Identifier: Apache-2.0
#include "action/proxy.h"

#include "action/proxy_run.h"

namespace viaduct::action {

base::ArenaPtr<exchange::ActionRun> ProxyAction::begin(exchange::Exchange& exchange) const {
  return exchange.arena().make_owned<ProxyRun>(exchange, exchange.upstream(upstream_index_));
}

}  // namespace viaduct::action

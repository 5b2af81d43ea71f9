// SPDX-License-Identifier: Apache-2.0
#include "action/proxy.h"

#include "action/proxy_run.h"

namespace viaduct::action {

base::ArenaPtr<exchange::ActionRun> ProxyAction::begin(exchange::Exchange& exchange) const {
  upstream::Upstream& upstream = *exchange.services().upstreams[upstream_index_];
  return exchange.arena().make_owned<ProxyRun>(exchange, upstream);
}

}  // namespace viaduct::action

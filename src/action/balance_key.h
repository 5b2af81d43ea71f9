// SPDX-License-Identifier: Apache-2.0
// What a hashing balance policy hashes of an exchange: who the client is, which path is forwarded, or a header field.
// A pure function but for the arena; the worker's thread.
#pragma once

#include "exchange/exchange.h"
#include "upstream/upstream.h"

namespace viaduct::action {

// By what the server of this exchange is chosen: by the route's policy, else by that of the upstream. The key is empty
// where the policy needs none or the request has none (no such field, or an empty one; a client on a Unix socket). The
// views live as long as the exchange and until its request is changed.
upstream::PickBy choose_by(exchange::Exchange& exchange, const config::Upstream& upstream);

}  // namespace viaduct::action

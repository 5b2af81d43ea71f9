// SPDX-License-Identifier: Apache-2.0
// The rows of what a route does: upstream (proxy), static, redirect, respond. A route has exactly one of them. Pure
// functions; any thread.
#pragma once

#include "config/key_table.h"
#include "config/key_types.h"
#include "config/types.h"

namespace viaduct::config {

// The name of an upstream.
Type<ProxyAction> proxy_action();
Table<StaticAction> static_keys();
Table<RedirectAction> redirect_keys();
Table<RespondAction> respond_keys();

}  // namespace viaduct::config

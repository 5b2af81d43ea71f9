// SPDX-License-Identifier: Apache-2.0
// The rows of `listeners`, `tls` and `client`: where clients come in, and what they are granted before a route is
// known. Pure functions; any thread.
#pragma once

#include "config/key_table.h"
#include "config/types.h"

namespace viaduct::config {

Table<Listener> listener_keys();
Type<ClientAuth> client_auth();
Table<ListenerTls> listener_tls_keys();
Table<Client> client_keys();

}  // namespace viaduct::config

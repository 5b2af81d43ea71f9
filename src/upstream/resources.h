// SPDX-License-Identifier: Apache-2.0
// What a worker lends to its upstreams. Owned by the worker; outlives them all. References alone: an upstream keeps a
// copy.
#pragma once

#include "codec/h2_library.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "upstream/server_state.h"

namespace viaduct::upstream {

struct Resources {
  net::Loop& loop;
  net::Resolver& resolver;
  codec::H2Library& h2_library;
  StateTable& states;  // of the process; the supervisor's
};

}  // namespace viaduct::upstream

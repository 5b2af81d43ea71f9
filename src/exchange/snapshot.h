// SPDX-License-Identifier: Apache-2.0
// The immutable result of loading a config: what every worker reads and nobody changes. Made by daemon/build, published
// to the workers as a whole; an exchange keeps the one it began with until it ends. The only thing in this program that
// is shared by reference count.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "config/types.h"
#include "exchange/action.h"
#include "exchange/filter.h"
#include "route/router.h"
#include "tls/cert_store.h"

namespace viaduct::exchange {

// What becomes of a request that takes one route.
struct RoutePlan {
  const config::Route* route = nullptr;  // in Snapshot::config
  std::vector<std::unique_ptr<const Filter>> filters;
  std::unique_ptr<const Action> action;
};

struct Snapshot {
  std::uint64_t version = 0;  // counts the snapshots of this process from 1
  std::unique_ptr<const config::Config> config;
  std::unique_ptr<const route::Router> router;
  std::vector<RoutePlan> plans;                        // by route::Decision::route_index
  std::unique_ptr<const tls::CertStore> certificates;  // null where no listener speaks TLS
};

using SnapshotRef = std::shared_ptr<const Snapshot>;

}  // namespace viaduct::exchange

// SPDX-License-Identifier: Apache-2.0
// The immutable result of loading a config: what every worker reads and nobody changes. Made by daemon/build, published
// to the workers as a whole; an exchange keeps the one it began with until it ends. The only thing in this program that
// is shared by reference count, with its parts: a snapshot that differs from the one before it in its certificates
// alone is a copy of it that has the other parts in common.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/types.h"
#include "exchange/action.h"
#include "exchange/filter.h"
#include "observe/route_numbers.h"
#include "route/router.h"
#include "tls/cert_store.h"

namespace viaduct::exchange {

// What becomes of a request that takes one route.
struct RoutePlan {
  const config::Route* route = nullptr;  // in Snapshot::config
  std::vector<std::shared_ptr<const Filter>> filters;
  std::shared_ptr<const Action> action;
  std::uint32_t number = observe::RouteNumbers::kNone;  // what its requests are counted under
};

struct Snapshot {
  std::uint64_t version = 0;  // counts the snapshots of this process from 1
  std::shared_ptr<const config::Config> config;
  std::shared_ptr<const route::Router> router;
  std::vector<RoutePlan> plans;  // by route::Decision::route_index
  // By route::Decision::site_index: what requests that take none of the site's routes are counted under. Empty where
  // nobody counts.
  std::vector<std::uint32_t> site_numbers;
  // By route::Decision::site_index: whom the site believes when clients show certificates, in the words of
  // net::TlsInfo::client_ca; empty where it asks for none. Empty where no listener speaks TLS.
  std::vector<std::string> site_authorities;
  std::shared_ptr<const tls::CertStore> certificates;  // null where no listener speaks TLS
};

using SnapshotRef = std::shared_ptr<const Snapshot>;

// The first of its hosts, as log and metrics name a site; empty where it has none.
std::string_view site_name(const config::Site& site);
// Gives the routes of `snapshot` and its sites their numbers, before it is published.
void number_routes(Snapshot& snapshot, observe::RouteNumbers& numbers);
// Whom the site of that decision believes when clients show certificates; empty where it asks for none.
std::string_view authorities_of(const Snapshot& snapshot, const route::Decision& decision);
// The number that a request with that decision is counted under.
std::uint32_t number_of(const Snapshot& snapshot, const route::Decision& decision);

}  // namespace viaduct::exchange

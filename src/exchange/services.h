// SPDX-License-Identifier: Apache-2.0
// What a worker lends to the exchanges of its thread: its loop, log, counters and upstreams, and the snapshot of the
// moment. Owned by the worker; outlives all its exchanges.
#pragma once

#include <span>

#include "base/random.h"
#include "exchange/password_checker.h"
#include "exchange/snapshot.h"
#include "net/loop.h"
#include "observe/access_log.h"
#include "observe/counters.h"
#include "observe/route_stats.h"
#include "os/file_cache.h"
#include "upstream/upstream.h"

namespace viaduct::exchange {

class Exchange;

// Takes back the memory of exchanges that ended.
class ExchangeOwner {
 public:
  virtual void free_exchange(Exchange& exchange) = 0;
  // `exchange` is over for its client, but its run goes on. It leaves by free_exchange like all others; an owner that
  // cannot wait for that calls Exchange::stop_run_on().
  virtual void on_run_on(Exchange& exchange) = 0;

 protected:
  ~ExchangeOwner() = default;
};

struct Services {
  net::Loop& loop;
  observe::AccessLog& access_log;
  observe::Counters& counters;
  observe::RouteStats& route_stats;
  base::Random& random;
  os::FileCache& files;
  PasswordChecker& passwords;
  ExchangeOwner& owner;
  SnapshotRef snapshot;                              // for exchanges that begin now
  std::span<upstream::Upstream* const> upstreams{};  // of that snapshot, in the order of its config
};

}  // namespace viaduct::exchange

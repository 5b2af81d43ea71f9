// SPDX-License-Identifier: Apache-2.0
// What a worker lends to the exchanges of its thread: its loop, log and counters, and what it serves at the moment.
// Owned by the worker; outlives all its exchanges.
#pragma once

#include <memory>

#include "base/random.h"
#include "exchange/password_checker.h"
#include "exchange/snapshot.h"
#include "net/loop.h"
#include "observe/access_log.h"
#include "observe/counters.h"
#include "observe/route_stats.h"
#include "os/file_cache.h"
#include "upstream/registry.h"

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

// A snapshot with the upstreams of one worker that its actions mean. Immutable; an exchange keeps the one it began
// with. Dies in the thread of its worker.
struct Serving {
  SnapshotRef snapshot;
  upstream::Selection upstreams;
};
using ServingRef = std::shared_ptr<const Serving>;

struct Services {
  net::Loop& loop;
  observe::AccessLog& access_log;
  observe::Counters& counters;
  observe::RouteStats& route_stats;
  base::Random& random;
  os::FileCache& files;
  PasswordChecker& passwords;
  ExchangeOwner& owner;
  ServingRef serving{};  // for exchanges that begin now
};

}  // namespace viaduct::exchange

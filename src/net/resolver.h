// SPDX-License-Identifier: Apache-2.0
// Names to addresses for one worker, by c-ares on the worker's loop: never blocks, asks each name once at a time, keeps
// answers for their TTL (within bounds) and the last good answer when a later one fails. /etc/hosts is read first.
// docs/adr/0015-names.md says what a name may mean, and for how long.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "net/dns_channel.h"
#include "net/loop.h"
#include "net/resolved_name.h"
#include "net/shared_conditions.h"

namespace viaduct::net {

struct ResolverOptions {
  DnsOptions dns;
  TtlRange ttl;
};

class Resolver {
 public:
  // `loop` must outlive the resolver, as must `conditions`, by which the log tells of a name once for all workers.
  explicit Resolver(Loop& loop, ResolverOptions options = {}, SharedConditions* conditions = nullptr);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Asks by `options` from now on; /etc/resolv.conf is read again. What is known stays until it expires; names that
  // nobody uses any more are forgotten.
  void configure(ResolverOptions options);
  // The name of a host, or of a service (SRV). `allowed` are addresses that it may mean although no name should
  // (net/address_guard). The same object each time; valid until the next configure(), and longer while somebody waits
  // for it or watches it.
  ResolvedName& name(const std::string& name, bool is_service, const base::CidrSet& allowed);
  base::Random& random() { return random_; }

 private:
  DnsChannel channel_;
  TtlRange ttl_;
  ResolvedName::Shared shared_;
  base::Random random_;
  // By name; several are the same name with other rules.
  std::unordered_map<std::string, std::vector<std::unique_ptr<ResolvedName>>> names_;
};

}  // namespace viaduct::net

// SPDX-License-Identifier: Apache-2.0
// Names to addresses for one worker, by c-ares on the worker's loop: never blocks, asks each name once at a time, keeps
// answers for their TTL (within bounds) and the last good answer when a later one fails. /etc/hosts is read first.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/intrusive_list.h"
#include "base/ip.h"
#include "net/loop.h"

namespace viaduct::net {

// Who waits for a name. Leaves by itself when destroyed.
class ResolveWaiter : public base::ListHook<ResolveWaiter> {
 public:
  // At least one address, IPv4 and IPv6 in the order to try them; port 0. Valid during the call.
  virtual void on_resolved(const std::vector<base::IpAddress>& addresses) = 0;
  virtual void on_resolve_failed(const base::Error& error) = 0;

 protected:
  ~ResolveWaiter() = default;
};

class Resolver {
 public:
  static constexpr base::Duration kTtlMin = std::chrono::seconds(5);
  static constexpr base::Duration kTtlMax = std::chrono::minutes(5);
  // After a failure with no good answer at hand, how long before the name is asked again.
  static constexpr base::Duration kFailureTtl = std::chrono::seconds(2);
  static constexpr std::size_t kAddressesMax = 32;

  // `loop` must outlive the resolver.
  explicit Resolver(Loop& loop);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The addresses of `name` if they are known now and fresh; a literal address always is. Null otherwise. Valid until
  // the next call.
  const std::vector<base::IpAddress>* find(const std::string& name);
  // Asks for `name`; exactly one event follows for `waiter`, later than this call. REQUIRES: the waiter waits for
  // nothing.
  void resolve(const std::string& name, ResolveWaiter& waiter);

 private:
  class Channel;
  std::unique_ptr<Channel> channel_;
};

}  // namespace viaduct::net

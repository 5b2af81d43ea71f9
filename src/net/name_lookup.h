// SPDX-License-Identifier: Apache-2.0
// One look at what a name means: /etc/hosts, or the questions to name servers that belong together (AAAA and A at the
// same time, for a service SRV before), within one deadline. Keeps nothing. Belongs to a net/resolved_name; one thread.
// RFC 8305 §3 for how long the families wait for each other, RFC 6761 §6.3 for localhost.
//
//   kIdle ─┬───────────────► kKnown ─┐          kKnown: found here, told at the end of the turn
//          ├─► kService ─┐           ▼
//          └─────────────┴► kHosts ─► kIdle
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/dns_channel.h"
#include "net/name_answer.h"

namespace viaduct::net {

struct LookupResult {
  NameAnswer answer;        // with at least one address, where there is no `failure`
  base::Duration ttl{};     // as answered; zero for what is not from the network
  bool is_complete = true;  // false: who waits got what had come, and the rest is still to be asked for
  std::string failure;      // why there are no addresses
};

class LookupHandler {
 public:
  virtual void on_lookup_done(LookupResult result) = 0;

 protected:
  ~LookupHandler() = default;
};

class NameLookup final : private DnsHandler, private TimerHandler, private TurnEnd {
 public:
  // How long one family, which has come, waits for the other while a request waits for both.
  static constexpr base::Duration kFamilyDelay = std::chrono::milliseconds(50);
  // Hosts of a service whose addresses are asked for.
  static constexpr std::size_t kServiceHostsMax = 8;

  // All must outlive the lookup.
  NameLookup(Loop& loop, DnsChannel& channel, LookupHandler& handler);

  // Begins; exactly one event follows, later than this call. `is_awaited`: somebody waits, so that half an answer now
  // is better than a whole one later. REQUIRES: none is under way.
  void start(const std::string& name, bool is_service, bool is_awaited);
  bool is_running() const { return state_ != State::kIdle; }

 private:
  enum class State : std::uint8_t { kIdle, kKnown, kService, kHosts };

  void on_dns_answer(int query_id, DnsAnswer answer) override;
  void on_timer(int timer_id) override;
  void on_turn_end() override;

  void transition(State to);
  bool find_here(const std::string& name);
  void ask_hosts(std::vector<ServiceRecord> records);
  void take_services(DnsAnswer answer);
  void take_addresses(int query_id, DnsAnswer answer);
  bool has_addresses() const;
  bool is_asking() const;
  void finish();
  void fail(std::string failure);
  void tell(LookupResult result);

  Loop& loop_;
  DnsChannel& channel_;
  LookupHandler& handler_;
  State state_ = State::kIdle;
  bool is_service_ = false;
  bool is_awaited_ = false;
  Timer deadline_timer_;
  Timer family_timer_;
  DnsQuery service_query_;
  std::vector<std::unique_ptr<DnsQuery>> queries_;  // two for each host of result_, AAAA and A
  LookupResult result_;
  std::string error_;  // the first
};

}  // namespace viaduct::net

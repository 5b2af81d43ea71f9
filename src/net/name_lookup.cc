// SPDX-License-Identifier: Apache-2.0
#include "net/name_lookup.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace viaduct::net {
namespace {

enum TimerId { kDeadlineTimer, kFamilyTimer };

constexpr int kServiceQuery = -1;

std::string without_final_dot(const std::string& name) {
  return name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
}

bool is_localhost(const std::string& name) {
  return name == "localhost" || name.ends_with(".localhost");
}

void add(NameHost& host, const base::IpAddress& address) {
  NameHost::Family& family = address.is_v4() ? host.v4 : host.v6;
  if (std::ranges::find(family.addresses, address) == family.addresses.end()) family.addresses.push_back(address);
}

}  // namespace

NameLookup::NameLookup(Loop& loop, DnsChannel& channel, LookupHandler& handler)
    : loop_(loop),
      channel_(channel),
      handler_(handler),
      deadline_timer_(loop.timers(), *this, kDeadlineTimer),
      family_timer_(loop.timers(), *this, kFamilyTimer),
      service_query_(channel, *this, kServiceQuery) {}

void NameLookup::transition(State to) {
  const bool is_begin = state_ == State::kIdle;
  CHECK(is_begin ? to != State::kIdle : to == State::kIdle || (state_ == State::kService && to == State::kHosts));
  state_ = to;
}

void NameLookup::start(const std::string& name, bool is_service, bool is_awaited) {
  result_ = {};
  result_.ttl = base::Duration::max();
  error_.clear();
  is_service_ = is_service;
  is_awaited_ = is_awaited;
  if (!is_service && find_here(without_final_dot(name))) {
    transition(State::kKnown);
    return loop_.at_turn_end(*this);
  }
  deadline_timer_.start_after(channel_.timeout());
  if (is_service) {
    transition(State::kService);
    service_query_.ask(name, DnsType::kSrv);
    return;
  }
  transition(State::kHosts);
  ask_hosts({ServiceRecord{.host = name}});
}

// The hosts of a service are not looked for here: their names come from the network.
bool NameLookup::find_here(const std::string& name) {
  std::vector<base::IpAddress> addresses = channel_.find_in_hosts_file(name);
  if (addresses.empty() && is_localhost(name)) {
    addresses = {*base::IpAddress::parse("::1"), *base::IpAddress::parse("127.0.0.1")};
  }
  if (addresses.empty()) return false;
  NameHost& host = result_.answer.hosts.emplace_back();
  for (const base::IpAddress& address : addresses) add(host, address);
  host.v4.is_known = host.v6.is_known = true;
  result_.answer.is_from_network = false;
  result_.ttl = {};
  return true;
}

void NameLookup::ask_hosts(std::vector<ServiceRecord> records) {
  queries_.clear();
  for (ServiceRecord& record : records) {
    // What SRV names is a whole name: no search domain belongs behind it.
    const std::string name = is_service_ ? record.host + "." : record.host;
    result_.answer.hosts.push_back({.record = std::move(record), .v6 = {}, .v4 = {}});
    for (const DnsType type : {DnsType::kAaaa, DnsType::kA}) {
      DnsHandler& handler = *this;
      queries_.push_back(std::make_unique<DnsQuery>(channel_, handler, static_cast<int>(queries_.size())));
      queries_.back()->ask(name, type);
    }
  }
}

void NameLookup::on_dns_answer(int query_id, DnsAnswer answer) {
  query_id == kServiceQuery ? take_services(std::move(answer)) : take_addresses(query_id, std::move(answer));
}

void NameLookup::take_services(DnsAnswer answer) {
  if (answer.kind != DnsAnswer::Kind::kRecords) return fail(std::move(answer.error));
  std::vector<ServiceRecord>& records = answer.records.services;
  std::erase_if(records, [](const ServiceRecord& record) { return record.host.empty() || record.port == 0; });
  if (records.empty()) return fail("the service is not offered");
  std::ranges::stable_sort(records, {}, &ServiceRecord::priority);
  if (records.size() > kServiceHostsMax) records.resize(kServiceHostsMax);
  result_.ttl = answer.records.ttl;
  transition(State::kHosts);
  ask_hosts(std::move(records));
}

void NameLookup::take_addresses(int query_id, DnsAnswer answer) {
  const auto index = static_cast<std::size_t>(query_id);
  NameHost& host = result_.answer.hosts[index / 2];
  NameHost::Family& family = index % 2 == 0 ? host.v6 : host.v4;
  family.is_known = answer.kind != DnsAnswer::Kind::kFailed;
  if (answer.kind == DnsAnswer::Kind::kRecords) {
    result_.ttl = std::min(result_.ttl, answer.records.ttl);
    // A mapped address (::ffff:a.b.c.d) of an AAAA record is an IPv4 address.
    for (const base::IpAddress& address : answer.records.addresses) add(host, address);
  } else if (error_.empty() || answer.kind == DnsAnswer::Kind::kFailed) {
    error_ = std::move(answer.error);
  }
  if (!is_asking()) return finish();
  const bool is_half = is_awaited_ && !is_service_ && has_addresses();
  if (is_half && !family_timer_.is_running()) family_timer_.start_after(kFamilyDelay);
}

void NameLookup::on_timer(int timer_id) {
  if (timer_id == kDeadlineTimer && error_.empty()) error_ = "no name server answered in time";
  result_.is_complete = timer_id != kFamilyTimer;
  finish();
}

void NameLookup::on_turn_end() {
  tell(std::move(result_));
}

bool NameLookup::has_addresses() const {
  return !result_.answer.empty();
}

bool NameLookup::is_asking() const {
  return std::ranges::any_of(queries_, [](const auto& query) { return query->is_asking(); });
}

void NameLookup::finish() {
  has_addresses() ? tell(std::move(result_)) : fail(std::move(error_));
}

void NameLookup::fail(std::string failure) {
  LookupResult result;
  result.failure = std::move(failure);
  tell(std::move(result));
}

void NameLookup::tell(LookupResult result) {
  transition(State::kIdle);
  deadline_timer_.stop();
  family_timer_.stop();
  service_query_.cancel();
  for (const auto& query : queries_) query->cancel();
  handler_.on_lookup_done(std::move(result));
}

}  // namespace viaduct::net

// SPDX-License-Identifier: Apache-2.0
// What an answer of a name server says, read by c-ares: addresses (A, AAAA; RFC 1035, RFC 3596) or the hosts of a
// service (SRV; RFC 2782), and for how long. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/time.h"

namespace viaduct::net {

// RFC 1035 §3.2.2.
enum class DnsType : std::uint16_t { kA = 1, kAaaa = 28, kSrv = 33 };

// One host of a service. The name is empty where the service is not offered (RFC 2782: the target ".").
struct ServiceRecord {
  std::string host;
  std::uint16_t port = 0;
  std::uint16_t priority = 0;  // lower ones first
  std::uint16_t weight = 0;    // its share among those of its priority
  bool operator==(const ServiceRecord&) const = default;
};

struct DnsRecords {
  std::vector<base::IpAddress> addresses;  // kA, kAaaa: each once, in the order of the answer
  std::vector<ServiceRecord> services;     // kSrv
  base::Duration ttl{};                    // the smallest on the way, aliases (CNAME) included
};

// More records of one answer are not read.
inline constexpr std::size_t kDnsRecordsMax = 32;

enum class DnsFault : std::uint8_t { kNoRecords, kMalformed };

// Reads the answer to a question of this type. An alias that leads nowhere is one without records.
std::expected<DnsRecords, DnsFault> read_dns_records(DnsType type, std::span<const unsigned char> message);

}  // namespace viaduct::net

// SPDX-License-Identifier: Apache-2.0
// What a name means: the addresses of one host, or, for the name of a service, those of several hosts with their ports
// and the order in which they are to be tried (RFC 2782). A value; made by net/name_lookup, kept by net/resolved_name.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/random.h"
#include "net/dns_message.h"

namespace viaduct::net {

// One host behind a name.
struct NameHost {
  // The addresses of one family.
  struct Family {
    bool is_known = false;  // somebody has answered, be it that there are none
    std::vector<base::IpAddress> addresses;
  };

  ServiceRecord record;  // port 0 where the name is that of a host
  Family v6;
  Family v4;
};

struct RefusedAddress {
  base::IpAddress address;
  std::string_view kind;
};

class NameAnswer {
 public:
  // An answer with more addresses than this is cut.
  static constexpr std::size_t kAddressesMax = 32;

  std::vector<NameHost> hosts;
  bool is_from_network = true;  // not from /etc/hosts, and not what a word says itself ("localhost")

  // No host has an address.
  bool empty() const;
  std::size_t address_count() const;
  // Takes what nobody could say this time from an earlier answer.
  void keep_unknown(const NameAnswer& earlier);
  // Takes out the addresses that no name may mean and that are not in `allowed`, and returns them.
  std::vector<RefusedAddress> take_forbidden(const base::CidrSet& allowed);
  // The same hosts with the same addresses, in whatever order.
  bool means_the_same(const NameAnswer& other) const;
  // Whether `address` is one of ours; `port` is that of hosts without one.
  bool contains(const base::SocketAddress& address, std::uint16_t port) const;
  // In the order to try them: hosts by priority and at random by weight; the addresses of a host with its families in
  // turn, IPv6 first (RFC 8305 §4). `port` is for hosts without one.
  std::vector<base::SocketAddress> in_order(std::uint16_t port, base::Random& random) const;
};

}  // namespace viaduct::net

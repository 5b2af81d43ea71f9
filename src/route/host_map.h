// SPDX-License-Identifier: Apache-2.0
// From the host of a request to its site: exact names, then "*.example.com" (one label or more, the longest suffix
// wins), then the site that takes unknown hosts. Compared without case, port and the dot at the end; IPv6 addresses by
// value. Built at load, immutable afterwards; any thread. RFC 9110 §7.2.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "config/types.h"

namespace viaduct::route {

class HostMap {
 public:
  // What a host leads to.
  struct Match {
    std::uint32_t site = 0;
    std::string_view pattern;  // the entry of `hosts`; empty where the site takes unknown hosts
  };
  // Why a host leads nowhere.
  enum class Failure : std::uint8_t {
    kInvalid,  // it is no host
    kUnknown,  // no site has it, and none takes unknown hosts
  };

  // `sites` must outlive the map. Of two sites with one host the first has it.
  explicit HostMap(const std::vector<config::Site>& sites);

  // The site for `authority`, a host with or without port, as received. Allocates nothing.
  std::expected<Match, Failure> find(std::string_view authority) const;
  // The site for requests that name no host (HTTP/1.0) and TLS clients that name no server: the one that takes unknown
  // hosts, else the first. Absent when there is no site.
  std::optional<std::uint32_t> default_site() const { return default_site_; }
  // The site that takes unknown hosts (`default: true`), if any.
  std::optional<std::uint32_t> site_for_unknown() const { return unknown_; }

 private:
  using Names = std::unordered_map<std::string, Match, base::StringHash, std::equal_to<>>;

  const Match* find_wildcard(std::string_view host) const;

  Names exact_;      // normalised hosts
  Names wildcards_;  // what follows "*."
  std::optional<std::uint32_t> unknown_;
  std::optional<std::uint32_t> default_site_;
};

// A host without its port, its brackets and the dot at its end, in lower case, an IPv6 address as RFC 5952 spells it.
// What hosts are compared by.
class NormalHost {
 public:
  // RFC 1035 §2.3.4 allows 253 bytes of name; nothing longer is the name of a site.
  static constexpr std::size_t kBytesMax = 255;

  // Absent when `authority` is no host (base::split_authority). A host that is too long becomes the empty text, which
  // no site has.
  static std::optional<NormalHost> of(std::string_view authority);
  // Lives as long as this object.
  std::string_view text() const { return {bytes_, size_}; }

 private:
  char bytes_[kBytesMax + 1];
  std::size_t size_ = 0;
};

}  // namespace viaduct::route

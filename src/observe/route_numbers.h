// SPDX-License-Identifier: Apache-2.0
// Numbers for routes, by the names of their site and their own, that stay the same as long as the process lives: what
// is counted under a number goes on over reloads, also when a route goes and comes back. Main thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace viaduct::observe {

class RouteNumbers {
 public:
  // Of one process: routes beyond it share kNone with the requests that take no route.
  static constexpr std::uint32_t kRoutesMax = 65'536;
  // Requests that no site or route took.
  static constexpr std::uint32_t kNone = 0;

  // The number of that route; the same each time. An empty `route`: the requests of `site` that took none of its. Both
  // empty: kNone.
  std::uint32_t find(std::string_view site, std::string_view route);

 private:
  std::map<std::pair<std::string, std::string>, std::uint32_t> numbers_;
};

}  // namespace viaduct::observe

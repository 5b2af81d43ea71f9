// SPDX-License-Identifier: Apache-2.0
#include "observe/route_numbers.h"

namespace viaduct::observe {

std::uint32_t RouteNumbers::find(std::string_view site, std::string_view route) {
  if (site.empty() && route.empty()) return kNone;
  const std::pair<std::string, std::string> key(site, route);
  if (const auto known = numbers_.find(key); known != numbers_.end()) return known->second;
  const auto next = static_cast<std::uint32_t>(numbers_.size()) + 1;
  if (next >= kRoutesMax) return kNone;
  numbers_.emplace(key, next);
  return next;
}

}  // namespace viaduct::observe

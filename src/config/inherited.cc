// SPDX-License-Identifier: Apache-2.0
#include "config/inherited.h"

#include "base/format.h"

namespace viaduct::config {

std::string RoutePosition::path() const {
  return base::format("sites[{}].routes[{}]", site, route);
}

std::string find_key_path(const Places& places, const RoutePosition& position, const std::string& key) {
  for (const std::string& level :
       {position.path(), base::format("sites[{}]", position.site), std::string("defaults")}) {
    std::string path = base::format("{}.{}", level, key);
    if (places.has(path)) return path;
  }
  return {};
}

bool has_own_key(const Places& places, const RoutePosition& position, const std::string& key) {
  return places.has(base::format("{}.{}", position.path(), key));
}

std::string show_place(const Place& place, const Place& seen_from) {
  if (place.file == seen_from.file) return base::format("line {}", place.line);
  return base::format("{}:{}", place.file, place.line);
}

}  // namespace viaduct::config

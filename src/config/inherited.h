// SPDX-License-Identifier: Apache-2.0
// Where a key was written: that of a route in the route, in its site or in `defaults`. Checks name that place, since
// the remedy is there or in the route. Pure functions over the Places of one load; cold path.
#pragma once

#include <cstddef>
#include <string>

#include "config/reading.h"

namespace viaduct::config {

// One route by its position in the file.
struct RoutePosition {
  std::size_t site = 0;
  std::size_t route = 0;

  // "sites[0].routes[2]".
  std::string path() const;
};

// The path of the nearest `key` that the route at `position` has or inherits; empty when nobody wrote it.
std::string find_key_path(const Places& places, const RoutePosition& position, const std::string& key);
// The path under which the files say what the `key` of a config is about. That is the key; or, where one item of a list
// stands without brackets, the list ("match.regex[0]" is written as match.regex); or, where a pair of certificates
// stands in a list alone, that ("sites[0].tls.cert" is written as tls[0].cert); or, where a route inherits it, the key
// of its site or of `defaults`. Empty where no file has it.
std::string find_written_path(const Places& places, const std::string& key);
// True when the route itself has `key`.
bool has_own_key(const Places& places, const RoutePosition& position, const std::string& key);
// "line 12", or "FILE:12" when `place` is in another file than `seen_from`.
std::string show_place(const Place& place, const Place& seen_from);

}  // namespace viaduct::config

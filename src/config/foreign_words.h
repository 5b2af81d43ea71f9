// SPDX-License-Identifier: Apache-2.0
// What the words of nginx, HAProxy, Caddy, Traefik and Apache are called here, for operators who type them out of
// habit. Pure functions; any thread.
#pragma once

#include <string_view>

namespace viaduct::config {

// A sentence for `word` where it was written as a key; empty when it is nobody's word. `kind` is the kind of the map
// that it stands in ("sites[].routes[]", empty at the top).
std::string_view foreign_word_hint(std::string_view word, std::string_view kind);

}  // namespace viaduct::config

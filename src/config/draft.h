// SPDX-License-Identifier: Apache-2.0
// A config between reading and resolving: the same structs as in types.h, with what the file may leave open. The key
// tables fill it, resolve() makes a Config out of it. Plain values; cold path.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "config/types.h"

namespace viaduct::config {

// A route with the keys of `defaults` and of its site already in it. `action` of the base is not set yet.
struct RouteDraft : Route {
  std::variant<std::monostate, ProxyAction, StaticAction, RedirectAction, RespondAction> chosen;
};

// A site; `routes` of the base is not set yet.
struct SiteDraft : Site {
  RouteDraft inherited;  // what its routes start from
  std::vector<RouteDraft> drafts;
};

struct Logs {
  AccessLog access;
  ErrorLog error;
};

// The whole file, includes merged.
struct ConfigDraft {
  std::vector<std::string> include;
  std::vector<Listener> listeners;
  ListenerTls tls;
  Client client;
  RouteDraft defaults;
  std::vector<Upstream> upstreams;
  Resolver resolver;
  std::vector<SiteDraft> sites;
  std::vector<ErrorPage> errors;
  Logs logs;
  Admin admin;
  Process process;
};

}  // namespace viaduct::config

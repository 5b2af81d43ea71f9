// SPDX-License-Identifier: Apache-2.0
// What one config changes against another, in lines for the operator: the answer of `viaduct reload`. Listeners are the
// business of daemon/listener_table, which knows where they are bound. Pure; cold path.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/types.h"
#include "tls/cert_store.h"

namespace viaduct::daemon {

// Lines beyond this are counted only.
inline constexpr std::size_t kChangeLinesMax = 200;

// Sites, routes, upstreams, and the parts of the rest that differ: "route added: www.example.com/api". Empty when
// nothing differs.
std::vector<std::string> describe_changes(const config::Config& before, const config::Config& after);
// What of `after` takes no effect before the process is started anew: it began with `started`.
std::vector<std::string> describe_pending(const config::Config& started, const config::Config& after);
// The same for certificates, which may be renewed without a change of the config. Null: there are none.
std::vector<std::string> describe_certificate_changes(const tls::CertStore* before, const tls::CertStore* after);
// "ok", and the lines under it, or that there are none.
std::string render_changes(const std::vector<std::string>& lines);

}  // namespace viaduct::daemon

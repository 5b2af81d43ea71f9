// SPDX-License-Identifier: Apache-2.0
// What may be wrong with the parts of a config and only this floor can judge: regular expressions, what static routes
// open, certificates and keys, templates of the log. Each part is tried by itself, so that no error hides another one:
// also of a config that did not load, as far as it could be read. Reads files but keeps nothing. Cold path; main
// thread.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "config/load.h"
#include "config/problem.h"
#include "config/types.h"
#include "tls/ticket_keys.h"

namespace viaduct::daemon {

// The errors of a config that loads, but for what its TLS files hold.
std::vector<config::Problem> check_parts(const config::Config& config);
// The errors of all parts of loaded.readable, without those that loaded.problems tells and what follows from them.
// `ticket_keys` is needed meanwhile alone. REQUIRES: loaded.readable.
std::vector<config::Problem> check_readable_parts(const config::LoadResult& loaded, tls::TicketKeys& ticket_keys,
                                                  base::WallTime now);
// The errors of the files that say which certificates of clients are believed.
std::vector<config::Problem> check_client_authorities(const config::Config& config);

// What is wrong with a TLS file of an upstream, or with several together.
struct TlsFault {
  std::string key;  // "tls.ca", "tls.cert", "tls"
  std::string message;
};
std::vector<TlsFault> find_tls_faults(const config::UpstreamTls& tls);

// Gives `problem` the key under which the files have it, and its place.
void locate(config::Problem& problem, const config::Places& places);

}  // namespace viaduct::daemon

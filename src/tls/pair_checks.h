// SPDX-License-Identifier: Apache-2.0
// What is wrong with a certificate and its key though they can be used: who sees them refuses them, or will soon, or
// others may read the key. Pure functions of what was read, but for the mode of the key's file; cold paths alone.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "tls/cert_problem.h"
#include "tls/key_pair.h"

namespace viaduct::tls {

// A certificate that ends within this time is a warning.
inline constexpr base::Duration kExpiresSoon = std::chrono::hours(24 * 30);

// The files of a pair, and who is shown it: "clients" of a site, "servers" of an upstream.
struct PairInUse {
  std::string cert_file;
  std::string key_file;
  std::string shown_to = "clients";
};

// One fault, with the key of the config that it is about: "cert" or "key".
struct PairFault {
  CertProblem::Kind kind;
  std::string key;
  std::string message;  // names the file, and what to do
};

// Those of its dates at `now`, of each certificate of the chain.
std::vector<PairFault> date_faults(const KeyPair& pair, const PairInUse& use, base::WallTime now);
// Those and all others.
std::vector<PairFault> pair_faults(const KeyPair& pair, const PairInUse& use, base::WallTime now);

}  // namespace viaduct::tls

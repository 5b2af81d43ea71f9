// SPDX-License-Identifier: Apache-2.0
// What is wrong with a certificate, its key or what belongs to them, as the store, `check` and the doctor tell it. A
// plain value of cold paths.
#pragma once

#include <cstdint>
#include <string>

#include "config/types.h"

namespace viaduct::tls {

struct CertProblem {
  enum class Severity : std::uint8_t { kWarning, kError };
  enum class Kind : std::uint8_t {
    kUnusable,  // cannot be read, or is no pair
    kNotYetValid,
    kExpired,
    kExpiresSoon,
    kNotCovering,  // a host of the site
    kBareSite,     // without a certificate, and that which its clients are shown does not cover it
    kBrokenChain,  // issuers in another order than they issued
    kNoChain,      // the issuer is not in the file, and not known to the system
    kWeakKey,
    kOpenKeyFile,  // everybody on the machine may read it
    kNotStapled,   // the OCSP answer is of no use
  };

  Severity severity = Severity::kError;
  Kind kind = Kind::kUnusable;
  std::string file;
  std::string message;  // names the file or files
  std::string key;      // of the config, such as "sites[0].tls.cert"
  config::Place place;  // where the config names the pair
};

}  // namespace viaduct::tls

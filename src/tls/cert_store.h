// SPDX-License-Identifier: Apache-2.0
// The certificates of all sites, read from their files, and which of them a client gets: by the name it sends (SNI, RFC
// 6066 §3), else the default site's. A site may have an RSA and an ECDSA certificate; OpenSSL then takes the one that
// the client can verify. Immutable and part of the snapshot; a renewed file means a new store in a new snapshot, for
// which the main thread watches CertLoad::stamps.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/types.h"
#include "tls/context.h"
#include "tls/file_stamps.h"
#include "tls/openssl_ptr.h"
#include "tls/ticket_keys.h"

namespace viaduct::tls {

struct CertProblem {
  enum class Severity : std::uint8_t { kWarning, kError };
  enum class Kind : std::uint8_t {
    kUnusable,  // cannot be read, or is no pair
    kNotYetValid,
    kExpired,
    kExpiresSoon,
    kNotCovering,  // a host of the site
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

// What status and metrics tell about a certificate.
struct CertFacts {
  std::string file;
  std::string site;                // its first host
  std::vector<std::string> names;  // what it covers
  std::string key;                 // "RSA 2048", "ECDSA P-256"
  base::WallTime not_before;
  base::WallTime not_after;
};

struct CertLoad;

class CertStore {
 public:
  // A certificate that ends within this time is a warning.
  static constexpr base::Duration kExpiresSoon = std::chrono::hours(24 * 30);

  // Reads the files of all sites. Every problem is told, not the first alone. `ticket_keys` must outlive the store and
  // every connection made with it. `now` is what validity is measured against.
  static CertLoad load(std::span<const config::Site> sites, const config::ListenerTls& tls, TicketKeys& ticket_keys,
                       base::WallTime now);

  // True when no site has a certificate, so that no TLS listener can be served.
  bool empty() const { return default_context_ == nullptr; }
  // The server's side of one connection, for TlsTransport; it may outlive the store. REQUIRES: !empty().
  SslPtr new_session(Alpn alpn) const;
  std::span<const CertFacts> certificates() const { return certificates_; }

 private:
  CertStore() = default;

  // Serves clients without a name or with an unknown one, and knows the contexts of all other names.
  SslCtxPtr default_context_;
  std::vector<CertFacts> certificates_;
};

// The outcome of CertStore::load().
struct CertLoad {
  // Absent when a problem is an error.
  std::optional<CertStore> store;
  std::vector<CertProblem> problems;
  // The files as they were just before they were read, also those that could not be. When stamps.changed(), load again;
  // keep these of the last attempt, successful or not, so that one broken file is tried and reported once.
  FileStamps stamps;
};

}  // namespace viaduct::tls

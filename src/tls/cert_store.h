// SPDX-License-Identifier: Apache-2.0
// The certificates of all sites, read from their files, and which of them a client gets: by the name it sends (SNI, RFC
// 6066 §3), else the default site's. A site may have an RSA and an ECDSA certificate; OpenSSL then takes the one that
// the client can verify. Immutable and part of the snapshot; a renewed file means a new store in a new snapshot, for
// which the main thread watches CertLoad::stamps.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/types.h"
#include "tls/cert_problem.h"
#include "tls/context.h"
#include "tls/file_stamps.h"
#include "tls/key_pair.h"
#include "tls/ocsp_staple.h"
#include "tls/openssl_ptr.h"
#include "tls/ticket_keys.h"

namespace viaduct::tls {

// What status and metrics tell about a certificate.
struct CertFacts {
  std::string file;
  std::string site;                // its first host
  std::vector<std::string> names;  // what it covers
  std::string key;                 // "RSA 2048", "ECDSA P-256"
  base::WallTime not_before;
  base::WallTime not_after;
};

// A pair that is served, with the files that it was read from.
struct ServedPair {
  std::string cert_file;
  std::string key_file;
  std::string ocsp_file;
  KeyPair pair;
  std::optional<OcspAnswer> ocsp;
};

// What the contexts of a store are made of. A renewal goes on with it where a file is broken or gone.
struct CertParts {
  std::vector<ServedPair> pairs;
  std::map<std::string, std::vector<X509Ptr>> authorities;  // of clients, by their file

  // The pair of these files, with that OCSP answer where there is one; null for none.
  const ServedPair* find(const config::CertificateFiles& files) const;
};

struct CertLoad;

class CertStore {
 public:
  // Reads the files of all sites. Every problem is told, not the first alone. `ticket_keys` must outlive the store and
  // every connection made with it. `now` is what validity is measured against.
  static CertLoad load(std::span<const config::Site> sites, const config::ListenerTls& tls, TicketKeys& ticket_keys,
                       base::WallTime now);
  // The same for sites that `served` was loaded for: what cannot be read now stays as it is there, and is told as an
  // error all the same.
  static CertLoad renew(const CertStore& served, std::span<const config::Site> sites, const config::ListenerTls& tls,
                        TicketKeys& ticket_keys, base::WallTime now);

  // True when no site has a certificate, so that no TLS listener can be served.
  bool empty() const { return default_context_ == nullptr; }
  // The server's side of one connection, for TlsTransport; it may outlive the store. REQUIRES: !empty().
  SslPtr new_session(Alpn alpn) const;
  std::span<const CertFacts> certificates() const { return certificates_; }
  // A word for whom `site` believes when clients show certificates, as net::TlsInfo::client_ca has it; empty where it
  // asks for none. REQUIRES: the store was loaded for it.
  std::string authorities_of(const config::Site& site) const;
  // Whether it shows and believes other certificates than `served`.
  bool differs_from(const CertStore& served) const { return digest_ != served.digest_; }

 private:
  CertStore() = default;
  // `served`: null where there is nothing to go on with.
  static CertLoad load_over(const CertParts* served, std::span<const config::Site> sites,
                            const config::ListenerTls& tls, TicketKeys& ticket_keys, base::WallTime now);

  // Serves clients without a name or with an unknown one, and knows the contexts of all other names.
  SslCtxPtr default_context_;
  std::vector<CertFacts> certificates_;
  CertParts parts_;
  std::string digest_;  // of parts_
};

// The outcome of CertStore::load().
struct CertLoad {
  // Absent when a problem is an error that a renewal could not go round.
  std::optional<CertStore> store;
  std::vector<CertProblem> problems;
  // The files as they were just before they were read, also those that could not be. When stamps.changed(), load again.
  FileStamps stamps;
};

}  // namespace viaduct::tls

// SPDX-License-Identifier: Apache-2.0
// Sites with certificates in files of their own directory, and the store that is loaded from them, with
// ticket keys of its own. For tests of TLS. One thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/types.h"
#include "support/temporary_directory.h"
#include "tls/cert_store.h"
#include "tls/self_signed.h"

namespace viaduct::support {

class CertSites {
 public:
  // Adds a site and writes its pairs to files, readable by the owner alone.
  void add(std::vector<std::string> hosts, const std::vector<tls::PemPair>& pairs, bool is_default = false);
  // Writes both files of the pair and returns their names.
  config::CertificateFiles write(std::string_view name, const tls::PemPair& pair);

  std::vector<config::Site>& sites() { return sites_; }
  const TemporaryDirectory& directory() const { return directory_; }
  config::ListenerTls& tls() { return tls_; }
  tls::TicketKeys& ticket_keys() { return ticket_keys_; }

  tls::CertLoad load(base::WallTime now = std::chrono::system_clock::now());
  // What load() found, one line for each: "warning: ..." or "error: ...", the directory left out.
  std::string problems(base::WallTime now = std::chrono::system_clock::now());
  // A failure of the test when there is an error.
  tls::CertStore store();

 private:
  TemporaryDirectory directory_;
  std::vector<config::Site> sites_;
  config::ListenerTls tls_;
  tls::TicketKeys ticket_keys_;
  int written_ = 0;
};

}  // namespace viaduct::support

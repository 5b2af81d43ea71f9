// SPDX-License-Identifier: Apache-2.0
#include "support/cert_sites.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <utility>

namespace viaduct::support {

void CertSites::add(std::vector<std::string> hosts, const std::vector<tls::PemPair>& pairs, bool is_default) {
  config::Site& site = sites_.emplace_back();
  site.hosts = std::move(hosts);
  site.is_default = is_default;
  for (const tls::PemPair& pair : pairs) site.certificates.push_back(write("pair" + std::to_string(++written_), pair));
}

config::CertificateFiles CertSites::write(std::string_view name, const tls::PemPair& pair) {
  config::CertificateFiles files;
  files.cert = directory_.write(std::string(name) + ".pem", pair.cert);
  files.key = directory_.write(std::string(name) + ".key", pair.key);
  EXPECT_EQ(::chmod(files.key.c_str(), S_IRUSR | S_IWUSR), 0);
  return files;
}

tls::CertLoad CertSites::load(base::WallTime now) {
  return tls::CertStore::load(sites_, tls_, ticket_keys_, now);
}

std::string CertSites::problems(base::WallTime now) {
  std::string text;
  for (const tls::CertProblem& problem : load(now).problems) {
    text += problem.severity == tls::CertProblem::Severity::kError ? "error: " : "warning: ";
    text += problem.message + "\n";
  }
  const std::string directory = directory_.path() + "/";
  for (std::size_t at = text.find(directory); at != std::string::npos; at = text.find(directory, at)) {
    text.erase(at, directory.size());
  }
  return text;
}

tls::CertStore CertSites::store() {
  tls::CertLoad loaded = load();
  EXPECT_TRUE(loaded.store.has_value()) << problems();
  return std::move(loaded.store).value();
}

}  // namespace viaduct::support

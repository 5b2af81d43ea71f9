// SPDX-License-Identifier: Apache-2.0
#include "tls/certificate.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/tls_ends.h"
#include "tls/self_signed.h"

namespace viaduct::tls {
namespace {

X509Ptr read(const PemPair& pair) {
  const BioPtr memory(BIO_new_mem_buf(pair.cert.data(), static_cast<int>(pair.cert.size())));
  return X509Ptr(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
}

X509Ptr certificate_for(std::vector<std::string> names, KeyKind key = KeyKind::kEcdsaP256) {
  return read(support::make_pair_for(std::move(names), key));
}

TEST(Certificate, NamesItsHostsAndAddresses) {
  const X509Ptr certificate = certificate_for({"www.host.test", "*.host.test", "192.0.2.1", "2001:db8::1"});
  EXPECT_EQ(certificate_names(*certificate),
            (std::vector<std::string>{"www.host.test", "*.host.test", "192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(certificate_names_text(*certificate, 4), "www.host.test, *.host.test, 192.0.2.1, 2001:db8::1");
  EXPECT_EQ(certificate_names_text(*certificate, 3), "www.host.test, *.host.test, 192.0.2.1 and 1 more");
}

TEST(Certificate, FallsBackToTheCommonName) {
  const X509Ptr authority = read(support::make_authority("Test Root"));  // has no alternative names
  EXPECT_EQ(certificate_names(*authority), std::vector<std::string>{"Test Root"});
}

struct Coverage {
  std::vector<std::string> names;
  std::string host;
  bool is_covered;
};

TEST(Certificate, CoversWhatItsNamesSay) {
  const Coverage rows[] = {
      {{"host.test"}, "host.test", true},        {{"host.test"}, "HOST.test", true},
      {{"host.test"}, "www.host.test", false},   {{"www.host.test"}, "host.test", false},
      {{"*.host.test"}, "www.host.test", true},  {{"*.host.test"}, "host.test", false},
      {{"*.host.test"}, "a.b.host.test", false}, {{"*.host.test"}, "*.host.test", true},
      {{"www.host.test"}, "*.host.test", false}, {{"w*.host.test"}, "www.host.test", false},
      {{"192.0.2.1"}, "192.0.2.1", true},        {{"192.0.2.1"}, "192.0.2.2", false},
      {{"2001:db8::1"}, "2001:db8::1", true},    {{"2001:db8::1"}, "[2001:db8::1]", true},
      {{"2001:db8::1"}, "2001:db8:0::1", true},  {{"host.test"}, "192.0.2.1", false},
      {{"a.test", "b.test"}, "b.test", true},
  };
  for (const Coverage& row : rows) {
    const X509Ptr certificate = certificate_for(row.names);
    EXPECT_EQ(certificate_covers(*certificate, row.host), row.is_covered) << row.names[0] << " " << row.host;
  }
}

TEST(Certificate, TellsItsDates) {
  const base::WallTime from{std::chrono::seconds(1767323045)};
  const base::WallTime until{std::chrono::seconds(2524607999)};
  const auto pair = make_self_signed({.names = {"host.test"}, .not_before = from, .not_after = until});
  ASSERT_TRUE(pair.has_value());
  const X509Ptr certificate = read(*pair);
  EXPECT_EQ(not_before_of(*certificate), from);
  EXPECT_EQ(not_after_of(*certificate), until);
  EXPECT_EQ(date_text(from), "2026-01-02 03:04:05 UTC");
  EXPECT_EQ(date_text(until), "2049-12-31 23:59:59 UTC");
}

TEST(Certificate, TellsWhoIsWhoInTheChain) {
  const PemPair root = support::make_authority("Test Root");
  const X509Ptr leaf = read(support::make_pair_for({"host.test"}, KeyKind::kEcdsaP256, &root));
  EXPECT_EQ(subject_text(*leaf), "CN=host.test");
  EXPECT_EQ(issuer_text(*leaf), "CN=Test Root");
  EXPECT_FALSE(is_self_signed(*leaf));
  EXPECT_TRUE(is_self_signed(*read(root)));
}

TEST(Certificate, TellsItsKey) {
  const X509Ptr ecdsa = certificate_for({"host.test"});
  EXPECT_EQ(key_text(*ecdsa), "ECDSA P-256");
  EXPECT_EQ(rsa_bits(*ecdsa), 0);
  const X509Ptr rsa = certificate_for({"host.test"}, KeyKind::kRsa);
  EXPECT_EQ(key_text(*rsa), "RSA 2048");
  EXPECT_EQ(rsa_bits(*rsa), 2048);
}

}  // namespace
}  // namespace viaduct::tls

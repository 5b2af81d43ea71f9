// SPDX-License-Identifier: Apache-2.0
#include "tls/pair_checks.h"

#include <gtest/gtest.h>

#include <chrono>

#include "support/cert_sites.h"
#include "support/tls_ends.h"

namespace viaduct::tls {
namespace {

using std::chrono::hours;

// What a store tells of the pairs of sites is in cert_store_test.
TEST(PairChecks, SayWhoRefusesACertificate) {
  support::CertSites files;
  const config::CertificateFiles written =
      files.write("client", support::make_pair_valid({"client.test"}, hours(-48), hours(-24)));
  const auto pair = load_key_pair(written.cert, written.key);
  ASSERT_TRUE(pair.has_value());
  const PairInUse use{.cert_file = written.cert, .key_file = written.key, .shown_to = "servers"};
  const auto faults = date_faults(*pair, use, std::chrono::system_clock::now());
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].kind, CertProblem::Kind::kExpired);
  EXPECT_EQ(faults[0].key, "cert");
  EXPECT_TRUE(faults[0].message.ends_with(": servers refuse it; renew it")) << faults[0].message;
  EXPECT_EQ(date_faults(*pair, use, std::chrono::system_clock::now() - hours(30))[0].kind,
            CertProblem::Kind::kExpiresSoon);
  EXPECT_EQ(date_faults(*pair, use, std::chrono::system_clock::now() - hours(72))[0].kind,
            CertProblem::Kind::kNotYetValid);
}

TEST(PairChecks, FindNothingInAPairThatIsAsItShouldBe) {
  support::CertSites files;
  const config::CertificateFiles written = files.write("site", support::make_pair_for({"host.test"}));
  const auto pair = load_key_pair(written.cert, written.key);
  ASSERT_TRUE(pair.has_value());
  const PairInUse use{.cert_file = written.cert, .key_file = written.key};
  EXPECT_TRUE(pair_faults(*pair, use, std::chrono::system_clock::now()).empty());
}

}  // namespace
}  // namespace viaduct::tls

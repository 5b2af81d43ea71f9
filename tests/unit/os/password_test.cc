// SPDX-License-Identifier: Apache-2.0
#include "os/password.h"

#include <gtest/gtest.h>

namespace viaduct::os {
namespace {

// Each of "secret".
constexpr const char* kHashes[] = {
    "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
    "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
    "$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA",
    "$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNKJ/otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/",
    "$y$j9T$abcdefghijklmnop$3dL1LkYnZM.OVXuVdnnaKVDlLYT92dRwOzDZ5XiVCe.",
};

TEST(Password, IsComparedWithEachKindOfHash) {
  for (const char* hash : kHashes) {
    EXPECT_EQ(explain_password_hash(hash), "") << hash;
    EXPECT_TRUE(password_matches("secret", hash)) << hash;
    EXPECT_FALSE(password_matches("Secret", hash)) << hash;
    EXPECT_FALSE(password_matches("", hash)) << hash;
    EXPECT_FALSE(password_matches("secret ", hash)) << hash;
  }
}

TEST(Password, MatchesNothingThatIsNoHash) {
  for (const char* hash : {"", "secret", "*0", "$9$x$y"}) EXPECT_FALSE(password_matches("secret", hash)) << hash;
}

TEST(Password, HashIsWholeOrRefused) {
  for (const std::string hash : kHashes) {
    EXPECT_NE(explain_password_hash(hash.substr(0, hash.size() - 1)), "") << hash;
    EXPECT_NE(explain_password_hash(hash + "x"), "") << hash;
    EXPECT_NE(explain_password_hash(hash.substr(0, hash.size() - 1) + "!"), "") << hash;
  }
}

TEST(Password, HashThatIsGuessedTooFastIsRefused) {
  for (const char* hash : {"", "secret", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "$apr1$oBCyTqXB$cGy3HBPcGHmSRQ0TzRXBh0",
                           "$1$saltsalt$nOdwSGhQMFQXVEOrF1pAZ1", "aaPwJ9XL9Y99E"}) {
    EXPECT_TRUE(explain_password_hash(hash).contains("htpasswd -B")) << hash;
  }
}

TEST(Password, HashThatTakesTooLongIsRefused) {
  const std::string rest = "$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a";
  EXPECT_EQ(explain_password_hash("$2b$14" + rest), "");
  EXPECT_TRUE(explain_password_hash("$2b$15" + rest).contains("make it 10 to 12"));
  EXPECT_TRUE(explain_password_hash("$2b$31" + rest).contains("make it 10 to 12"));
  for (const char* cost : {"03", "32", "4x", "--"}) {
    EXPECT_TRUE(explain_password_hash("$2b$" + std::string(cost) + rest).contains("damaged")) << cost;
  }
  const std::string digest(43, 'a');
  EXPECT_EQ(explain_password_hash("$5$rounds=1000000$salt$" + digest), "");
  EXPECT_TRUE(explain_password_hash("$5$rounds=1000001$salt$" + digest).contains("make it fewer"));
  for (const char* rounds : {"rounds=$", "rounds=99999999$", "rounds=x$", "rounds=5"}) {
    EXPECT_TRUE(explain_password_hash(std::string("$5$") + rounds + "salt$" + digest).contains("damaged")) << rounds;
  }
  EXPECT_EQ(explain_password_hash("$y$jBT$salt$" + digest), "");
  EXPECT_NE(explain_password_hash("$y$jCT$salt$" + digest), "");
}

}  // namespace
}  // namespace viaduct::os

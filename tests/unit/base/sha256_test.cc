// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace viaduct::base {
namespace {

// The examples of FIPS 180-2, appendix B, and NIST's for the empty message.
struct Row {
  std::string bytes;
  std::string digest;
};

const Row kRows[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {std::string(1'000'000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

TEST(Sha256, GivesTheDigestsOfTheStandard) {
  for (const Row& row : kRows) EXPECT_EQ(sha256_hex(row.bytes), row.digest);
}

TEST(Sha256, TakesBytesInAnyPieces) {
  for (const std::size_t step : {1U, 3U, 63U, 64U, 65U}) {
    const std::string& bytes = kRows[2].bytes;
    Sha256 hash;
    for (std::size_t at = 0; at < bytes.size(); at += step) hash.update(std::string_view(bytes).substr(at, step));
    hash.update("");
    EXPECT_EQ(hash.finish(), kRows[2].digest) << step;
  }
}

TEST(Sha256, CountsZeroBytes) {
  EXPECT_EQ(sha256_hex(std::string(1, '\0')), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

TEST(Sha256DeathTest, EndsTheProgramWhenAskedAgainAfterTheEnd) {
  EXPECT_DEATH(
      {
        Sha256 hash;
        hash.finish();
        hash.finish();
      },
      "");
}

}  // namespace
}  // namespace viaduct::base

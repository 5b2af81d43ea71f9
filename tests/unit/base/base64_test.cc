// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::base {
namespace {

std::string encoded(std::string_view text) {
  return to_base64(std::vector<unsigned char>(text.begin(), text.end()));
}

// RFC 4648 §10.
TEST(Base64, GivesTheExamplesOfTheStandard) {
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foob"), "Zm9vYg==");
  EXPECT_EQ(encoded("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
}

TEST(Base64, TakesEveryByte) {
  EXPECT_EQ(encoded(std::string_view("\x00\xff\xfb\xef\xbe", 5)), "AP/7774=");
}

TEST(Base64, BreaksNoLines) {
  const std::string text = encoded(std::string(300, 'x'));
  EXPECT_EQ(text.size(), base64_length(300));
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(Base64, WritesIntoRoomForOneMore) {
  constexpr std::array<unsigned char, 3> kBytes = {'a', 'b', 'c'};
  std::array<char, 6> room{'.', '.', '.', '.', '.', '.'};
  write_base64(kBytes, room.data());
  EXPECT_EQ(std::string_view(room.data(), 4), "YWJj");
  EXPECT_EQ(room[4], '\0');
  EXPECT_EQ(room[5], '.');
}

// The bytes that `text` stands for, or "(none)".
std::string decoded(std::string_view text) {
  std::string bytes(base64_bytes_max(text.size()), '.');
  const auto size = read_base64(text, bytes.data());
  return size ? bytes.substr(0, *size) : "(none)";
}

TEST(Base64, ReadsWhatItWrites) {
  for (std::size_t size = 0; size < 20; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(255 - 13 * i);
    EXPECT_EQ(decoded(encoded(bytes)), bytes) << size;
  }
}

TEST(Base64, ReadsNothingElse) {
  for (const std::string_view text : {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zg==Zg==", "Zm9v\n", " Zm9",
                                      "Zm-v", "Zm_v", "Zm9\x80", "Zh==", "Zm9=", "Zm9v=m9v"}) {
    EXPECT_EQ(decoded(text), "(none)") << text;
  }
}

}  // namespace
}  // namespace viaduct::base

// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_bytes.h"

#include <gtest/gtest.h>

#include <cctype>
#include <string>

namespace viaduct::codec {
namespace {

using namespace std::string_view_literals;

bool is_of(H1ByteClass wanted, unsigned byte) {
  const char text = static_cast<char>(byte);
  return is_all(wanted, {&text, 1});
}

TEST(H1Bytes, KnowsEveryByteOfEveryClass) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool is_visible = byte > 0x20 && byte != 0x7f;
    const bool is_ascii = byte < 0x80;
    const bool is_token = is_ascii && (std::isalnum(static_cast<int>(byte)) != 0 ||
                                       (byte != 0 && kMarks.find(static_cast<char>(byte)) != std::string_view::npos));
    EXPECT_EQ(is_of(kTokenByte, byte), is_token) << byte;
    EXPECT_EQ(is_of(kTargetByte, byte), is_visible && byte != '#') << byte;
    EXPECT_EQ(is_of(kValueByte, byte), is_visible || byte == ' ' || byte == '\t') << byte;
    EXPECT_EQ(is_of(kExtensionByte, byte), is_visible || byte == ' ') << byte;
  }
}

TEST(H1Bytes, CountsUpToTheFirstOtherByte) {
  EXPECT_EQ(span_of(kTokenByte, ""), 0u);
  EXPECT_EQ(span_of(kTokenByte, ":"), 0u);
  EXPECT_EQ(span_of(kTokenByte, "abc"), 3u);
  EXPECT_EQ(span_of(kTokenByte, "abc: d"), 3u);
  EXPECT_TRUE(is_all(kTokenByte, ""));
}

TEST(H1Bytes, FindsLineEndsAndNulAtEveryPlace) {
  EXPECT_TRUE(is_line_safe(""));
  for (std::size_t length = 1; length < 40; ++length) {
    // Neighbours of the bytes looked for, and bytes that arithmetic on words could take for them.
    for (const char filler : {'a', '\x0b', '\x0c', '\x0e', '\x01', '\x8a', '\x8d', '\x80', '\xff'}) {
      std::string text(length, filler);
      EXPECT_TRUE(is_line_safe(text));
      for (std::size_t at = 0; at < length; ++at) {
        for (const char bad : "\r\n\0"sv) {
          text[at] = bad;
          EXPECT_FALSE(is_line_safe(text)) << length << " " << at;
        }
        text[at] = filler;
      }
    }
  }
}

}  // namespace
}  // namespace viaduct::codec

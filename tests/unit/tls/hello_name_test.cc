// SPDX-License-Identifier: Apache-2.0
#include "tls/hello_name.h"

#include <gtest/gtest.h>

#include <string>

namespace viaduct::tls {
namespace {

std::optional<std::string_view> name_in(std::string_view bytes) {
  return server_name_of({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

TEST(HelloName, IsThatOfTheOnlyEntry) {
  using namespace std::string_view_literals;
  EXPECT_EQ(name_in("\0\x0b\0\0\x08"
                    "host.com"sv),
            "host.com");
  EXPECT_EQ(name_in("\0\x04\0\0\x01"
                    "a"sv),
            "a");
  EXPECT_EQ(name_in(std::string("\x01\x03\0\x01\0"sv) + std::string(256, 'x')), std::string(256, 'x'));
}

// In whole hellos these are OpenSSL's to refuse.
TEST(HelloName, IsNoneWhereTheExtensionIsMalformed) {
  using namespace std::string_view_literals;
  const std::string_view whole =
      "\0\x0b\0\0\x08"
      "host.com"sv;
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_EQ(name_in(whole.substr(0, size)), std::nullopt);
  EXPECT_EQ(name_in(std::string(whole) + "x"), std::nullopt);
  EXPECT_EQ(name_in("\0\x03\0\0\0"sv), std::nullopt) << "an empty name";
  EXPECT_EQ(name_in("\0\x04\x01\0\x01"
                    "a"sv),
            std::nullopt)
      << "another kind of name";
  EXPECT_EQ(name_in("\0\x08\0\0\x01"
                    "a\0\0\x01"
                    "b"sv),
            std::nullopt)
      << "two names";
}

}  // namespace
}  // namespace viaduct::tls

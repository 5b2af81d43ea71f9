// SPDX-License-Identifier: Apache-2.0
#include "exchange/https_location.h"

#include <gtest/gtest.h>

namespace viaduct::exchange {
namespace {

std::string location(std::string_view authority, std::string_view target, std::uint16_t port) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  return std::string(https_location(authority, target, port, arena));
}

TEST(HttpsLocation, NamesTheHostWithThePortOfTheTlsListener) {
  struct Row {
    std::string_view authority;
    std::uint16_t port;
    std::string_view location;
  };
  const std::initializer_list<Row> rows = {
      {"a.example", 443, "https://a.example/x"},
      {"a.example:80", 443, "https://a.example/x"},
      {"a.example:8080", 8443, "https://a.example:8443/x"},
      {"a.example", 8443, "https://a.example:8443/x"},
      {"a.example:", 443, "https://a.example/x"},
      {"192.0.2.1:80", 443, "https://192.0.2.1/x"},
      {"[2001:db8::1]", 443, "https://[2001:db8::1]/x"},
      {"[2001:db8::1]:80", 443, "https://[2001:db8::1]/x"},
      {"[2001:db8::1]:80", 8443, "https://[2001:db8::1]:8443/x"},
      {"A.Example", 65535, "https://A.Example:65535/x"},
  };
  for (const Row& row : rows) EXPECT_EQ(location(row.authority, "/x", row.port), row.location) << row.authority;
}

TEST(HttpsLocation, KeepsEveryByteOfTheTarget) {
  for (const std::string_view target : {"/", "/a?b=c&d", "/%E6%94%AF?x=%2F", "//double//slash", "/a?"}) {
    EXPECT_EQ(location("a.example", target, 443), "https://a.example" + std::string(target));
  }
}

TEST(HttpsLocation, HasNoPathForTheServerAsAWhole) {
  EXPECT_EQ(location("a.example", "*", 443), "https://a.example");
}

}  // namespace
}  // namespace viaduct::exchange

// SPDX-License-Identifier: Apache-2.0
#include "exchange/client_address.h"

#include <gtest/gtest.h>

#include "support/field_list.h"

namespace viaduct::exchange {
namespace {

using Line = support::FieldList::Line;

base::CidrSet ranges(std::initializer_list<std::string_view> texts) {
  base::CidrSet set;
  for (const std::string_view text : texts) set.add(*base::Cidr::parse(text));
  return set;
}

std::string find(std::string_view peer, const base::CidrSet& trusted, std::initializer_list<std::string_view> values) {
  support::FieldList fields;
  for (const std::string_view value : values) fields->add("X-Forwarded-For", value);
  return find_client_ip(*base::IpAddress::parse(peer), trusted, *fields).to_string();
}

TEST(ClientAddress, IsThePeerUnlessThePeerIsTrusted) {
  EXPECT_EQ(find("203.0.113.9", {}, {"198.51.100.1"}), "203.0.113.9");
  EXPECT_EQ(find("203.0.113.9", ranges({"10.0.0.0/8"}), {"198.51.100.1"}), "203.0.113.9");
  EXPECT_EQ(find("10.0.0.1", ranges({"10.0.0.0/8"}), {}), "10.0.0.1");
}

TEST(ClientAddress, IsTheRightmostThatIsNotTrusted) {
  const base::CidrSet trusted = ranges({"10.0.0.0/8", "2001:db8::/32"});
  struct Row {
    std::initializer_list<std::string_view> values;
    std::string_view client;
  };
  const std::initializer_list<Row> rows = {
      {{"198.51.100.1"}, "198.51.100.1"},
      {{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},  // what stands left of it is the client's own claim
      {{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
      {{"198.51.100.1, 10.0.0.2,10.0.0.3"}, "198.51.100.1"},
      {{" \t198.51.100.1\t , 10.0.0.2 "}, "198.51.100.1"},
      {{"198.51.100.1", "10.0.0.2"}, "198.51.100.1"},  // two lines are one list
      {{"1.1.1.1", "198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
      {{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},  // all are trusted: the farthest
      {{"2001:db8::5"}, "2001:db8::5"},
      {{"2400::1, 2001:db8::5"}, "2400::1"},
      {{"[2400::1], 10.0.0.2"}, "2400::1"},
      {{"::ffff:198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
      {{"198.51.100.1:4711, 10.0.0.2"}, "198.51.100.1"},  // with a port, as some proxies write it
      {{"[2400::1]:4711, 10.0.0.2"}, "2400::1"},
  };
  for (const Row& row : rows) EXPECT_EQ(find("10.0.0.1", trusted, row.values), row.client) << *row.values.begin();
}

TEST(ClientAddress, GoesBeyondAProxyOnAUnixSocketThatIsTrusted) {
  EXPECT_EQ(find("10.0.0.1", ranges({"10.0.0.0/8", "unix:"}), {"198.51.100.1, unix:"}), "198.51.100.1");
  EXPECT_EQ(find("10.0.0.1", ranges({"10.0.0.0/8"}), {"198.51.100.1, unix:"}), "unix:");
}

TEST(ClientAddress, StopsAtWhatIsNoAddress) {
  const base::CidrSet trusted = ranges({"10.0.0.0/8"});
  for (const std::string_view broken :
       {"unknown", "_hidden", "10.0.0", "1.2.3.4.5", "198.51.100.1/24", "a:b", "198.51.100.01"}) {
    EXPECT_EQ(find("10.0.0.1", trusted, {"1.1.1.1", broken, "10.0.0.2"}), "10.0.0.2") << broken;
    EXPECT_EQ(find("10.0.0.1", trusted, {broken}), "10.0.0.1") << broken;
  }
}

// RFC 9110 §5.6.1.2: as if they were not there. Else whoever sends a comma would be the proxy in front.
TEST(ClientAddress, PassesOverEmptyEntries) {
  const base::CidrSet trusted = ranges({"10.0.0.0/8"});
  for (const std::initializer_list<std::string_view> values :
       std::initializer_list<std::initializer_list<std::string_view>>{{"198.51.100.1,"},
                                                                      {"198.51.100.1, , \t,"},
                                                                      {",198.51.100.1,,10.0.0.2"},
                                                                      {"198.51.100.1", ""},
                                                                      {"198.51.100.1", " ,", "10.0.0.2"}}) {
    EXPECT_EQ(find("10.0.0.1", trusted, values), "198.51.100.1") << *values.begin();
  }
  EXPECT_EQ(find("10.0.0.1", trusted, {""}), "10.0.0.1");
  EXPECT_EQ(find("10.0.0.1", trusted, {",", " "}), "10.0.0.1");
  EXPECT_EQ(find("10.0.0.1", trusted, {"unknown,", "10.0.0.2"}), "10.0.0.2");
}

TEST(ClientAddress, LooksAtABoundedNumberOfEntries) {
  const base::CidrSet trusted = ranges({"10.0.0.0/8"});
  const auto chain = [](int trusted_entries) {
    std::string text = "198.51.100.1";
    for (int i = 0; i < trusted_entries; ++i) text += ", 10.0.0.7";
    return text;
  };
  EXPECT_EQ(find("10.0.0.1", trusted, {chain(kForwardedEntriesMax - 2)}), "198.51.100.1");
  EXPECT_EQ(find("10.0.0.1", trusted, {chain(kForwardedEntriesMax - 1)}), "198.51.100.1");
  EXPECT_EQ(find("10.0.0.1", trusted, {chain(kForwardedEntriesMax)}), "10.0.0.7");
  EXPECT_EQ(find("10.0.0.1", trusted, {chain(kForwardedEntriesMax * 100)}), "10.0.0.7");
}

TEST(ClientAddress, LooksAtNoOtherField) {
  support::FieldList fields{{"X-Real-IP", "1.1.1.1"}, {"Forwarded", "for=1.1.1.1"}, {"X_Forwarded_For", "1.1.1.1"}};
  EXPECT_EQ(find_client_ip(*base::IpAddress::parse("10.0.0.1"), ranges({"10.0.0.0/8"}), *fields).to_string(),
            "10.0.0.1");
}

}  // namespace
}  // namespace viaduct::exchange

// SPDX-License-Identifier: Apache-2.0
#include "net/address_guard.h"

#include <gtest/gtest.h>

namespace viaduct::net {
namespace {

std::string_view kind_of(const char* text) {
  const auto address = base::IpAddress::parse(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address ? forbidden_kind(*address) : std::string_view("no address");
}

struct Row {
  const char* address;
  std::string_view kind;
};

TEST(AddressGuard, ForbidsWhatIsHereOrOnTheLink) {
  constexpr Row kRows[] = {
      {"0.0.0.0", "unspecified"},
      {"0.255.255.255", "unspecified"},
      {"127.0.0.0", "loopback"},
      {"127.0.0.1", "loopback"},
      {"127.255.255.255", "loopback"},
      {"169.254.0.0", "link_local"},
      {"169.254.169.254", "link_local"},
      {"169.254.255.255", "link_local"},
      {"224.0.0.0", "multicast"},
      {"239.255.255.255", "multicast"},
      {"255.255.255.255", "broadcast"},
      {"::", "unspecified"},
      {"::1", "loopback"},
      {"fe80::", "link_local"},
      {"fe80::1", "link_local"},
      {"febf:ffff::1", "link_local"},
      {"ff00::", "multicast"},
      {"ff02::1", "multicast"},
  };
  for (const Row& row : kRows) EXPECT_EQ(kind_of(row.address), row.kind) << row.address;
}

TEST(AddressGuard, ForbidsTheMetadataOfClouds) {
  for (const char* address :
       {"100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254", "::ffff:100.100.100.200"}) {
    EXPECT_EQ(kind_of(address), "metadata") << address;
  }
}

TEST(AddressGuard, FindsAnIpv4AddressInsideAnIpv6One) {
  constexpr Row kRows[] = {
      {"::ffff:127.0.0.1", "loopback"},
      {"::ffff:169.254.169.254", "link_local"},
      {"::127.0.0.1", "loopback"},
      {"::ffff:0:127.0.0.1", "loopback"},
      {"64:ff9b::127.0.0.1", "loopback"},
      {"64:ff9b::169.254.169.254", "link_local"},
      {"64:ff9b::0.0.0.0", "unspecified"},
      {"64:ff9b:1::127.0.0.1", "loopback"},
      {"64:ff9b:1:7f00:0:100:808:808", "loopback"},
      {"2002:7f00:1::", "loopback"},
      {"2002:a9fe:a9fe::1", "link_local"},
      {"2002:ffff:ffff::", "broadcast"},
  };
  for (const Row& row : kRows) EXPECT_EQ(kind_of(row.address), row.kind) << row.address;
}

TEST(AddressGuard, LetsEverythingElsePass) {
  for (const char* address : {"1.0.0.0",          "10.0.0.1",        "126.255.255.255", "128.0.0.0",
                              "169.253.255.255",  "169.255.0.0",     "172.16.0.1",      "192.168.1.1",
                              "100.64.0.1",       "100.100.100.201", "223.255.255.255", "240.0.0.1",
                              "255.255.255.254",  "fc00::1",         "fd00:ec2::253",   "fe7f:ffff::1",
                              "fec0::1",          "feff::1",         "2001:db8::1",     "::ffff:10.0.0.1",
                              "64:ff9b::8.8.8.8", "2002:808:808::1", "2003:7f00:1::",   "64:ff9c::127.0.0.1",
                              "2::127.0.0.1",     "2001:db8::7f00:1"}) {
    EXPECT_EQ(kind_of(address), "") << address;
  }
}

}  // namespace
}  // namespace viaduct::net

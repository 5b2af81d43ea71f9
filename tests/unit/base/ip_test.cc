// SPDX-License-Identifier: Apache-2.0
#include "base/ip.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <array>
#include <string>

namespace viaduct::base {
namespace {

TEST(IpAddress, ReadsAndWritesTheCanonicalForm) {
  const struct {
    const char* text;
    const char* canonical;
  } rows[] = {
      {"0.0.0.0", "0.0.0.0"},
      {"192.0.2.1", "192.0.2.1"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"[2001:db8::1]", "2001:db8::1"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // one zero group is not shortened
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // the longest run
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // the first of equal runs
      {"1:0:0:0:0:0:0:0", "1::"},
      {"0:0:0:0:0:0:0:a", "::a"},
      {"fe80:0:0:0:0:0:c0a8:101", "fe80::c0a8:101"},
      {"::1.2.3.4", "::102:304"},
      {"::ffff:192.0.2.1", "192.0.2.1"},  // mapped addresses are IPv4
      {"[::ffff:c000:201]", "192.0.2.1"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
  };
  for (const auto& row : rows) {
    const auto address = IpAddress::parse(row.text);
    ASSERT_TRUE(address.has_value()) << row.text;
    EXPECT_EQ(address->to_string(), row.canonical) << row.text;
    EXPECT_EQ(IpAddress::parse(row.canonical), address) << row.text;
  }
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  for (const char* text : {"",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.256",
                           "01.2.3.4",
                           "1.2.3.04",
                           " 1.2.3.4",
                           "1.2.3.4 ",
                           "0x1.2.3.4",
                           "[1.2.3.4]",
                           "[::1",
                           "::1]",
                           "::1%eth0",
                           ":::",
                           "1::2::3",
                           "12345::",
                           "g::",
                           "1.2.3.4:80",
                           "[::1]:80",
                           "localhost",
                           "1:2:3:4:5:6:7:8:9",
                           "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"}) {
    EXPECT_FALSE(IpAddress::parse(text).has_value()) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)).has_value());
}

TEST(IpAddress, WritesAtMostFortyFiveBytes) {
  std::array<char, 46> out{};
  const auto address = IpAddress::parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  EXPECT_EQ(address->write(out.data()), 39U);
}

TEST(Cidr, ContainsItsRangeAndNothingElse) {
  const struct {
    const char* range;
    const char* address;
    bool inside;
  } rows[] = {
      {"10.0.0.0/8", "10.255.255.255", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"101.226.103.0/25", "101.226.103.127", true},
      {"101.226.103.0/25", "101.226.103.128", false},
      {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.2", false},
      {"0.0.0.0/0", "255.1.2.3", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "192.0.2.1", false},  // families never mix
      {"::/0", "2001:db8::", true},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
      {"::1", "::1", true},
      {"::ffff:10.0.0.0/104", "10.1.2.3", true},
      {"10.0.0.0/8", "::ffff:10.1.2.3", true},
  };
  for (const auto& row : rows) {
    const auto range = Cidr::parse(row.range);
    ASSERT_TRUE(range.has_value()) << row.range;
    EXPECT_EQ(range->contains(*IpAddress::parse(row.address)), row.inside) << row.range << " " << row.address;
  }
}

TEST(Cidr, RefusesLengthsAndBitsThatDoNotFit) {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.1/8", "10.0.0.0/ 8",
        "2001:db8::/129", "2001:db8::1/64", "::ffff:10.0.0.0/95", "10.0.0.0/4294967304", "app"}) {
    EXPECT_FALSE(Cidr::parse(text).has_value()) << text;
  }
}

TEST(Cidr, WritesItsLength) {
  EXPECT_EQ(Cidr::parse("10.0.0.0/8")->to_string(), "10.0.0.0/8");
  EXPECT_EQ(Cidr::parse("192.0.2.1")->to_string(), "192.0.2.1/32");
  EXPECT_EQ(Cidr::parse("2001:db8::/32")->to_string(), "2001:db8::/32");
  EXPECT_EQ(Cidr::parse("::ffff:10.0.0.0/104")->to_string(), "10.0.0.0/8");
}

TEST(CidrSet, ContainsWhatOneOfItsRangesContains) {
  CidrSet set;
  EXPECT_TRUE(set.empty());
  EXPECT_FALSE(set.contains(*IpAddress::parse("10.0.0.1")));
  set.add(*Cidr::parse("10.0.0.0/8"));
  set.add(*Cidr::parse("::1"));
  EXPECT_EQ(set.ranges().size(), 2U);
  EXPECT_TRUE(set.contains(*IpAddress::parse("10.0.0.1")));
  EXPECT_TRUE(set.contains(*IpAddress::parse("::1")));
  EXPECT_FALSE(set.contains(*IpAddress::parse("192.0.2.1")));
}

TEST(SocketAddress, GoesToTheKernelsFormAndBack) {
  const SocketAddress addresses[] = {
      {*IpAddress::parse("127.0.0.1"), 80},
      {*IpAddress::parse("2001:db8::1"), 443},
      SocketAddress::unix_path("/run/viaduct/admin.sock"),
      SocketAddress::unix_path("/" + std::string(106, 'x')),  // the longest that sun_path takes with its NUL
      SocketAddress(),
  };
  for (const SocketAddress& address : addresses) {
    sockaddr_storage storage;
    const socklen_t length = address.to_sockaddr(storage);
    const auto* kernel_form = reinterpret_cast<const sockaddr*>(&storage);
    EXPECT_EQ(SocketAddress::from_sockaddr(kernel_form, length), address) << address.to_string();
  }
}

TEST(SocketAddress, TakesAMappedPeerForIpv4) {
  const SocketAddress mapped(*IpAddress::parse("::ffff:192.0.2.7"), 1234);
  EXPECT_EQ(mapped.to_string(), "192.0.2.7:1234");
  sockaddr_storage storage;
  EXPECT_EQ(mapped.to_sockaddr(storage), sizeof(sockaddr_in));
}

TEST(SocketAddress, WritesBracketsAndPaths) {
  EXPECT_EQ(SocketAddress(*IpAddress::parse("0.0.0.0"), 80).to_string(), "0.0.0.0:80");
  EXPECT_EQ(SocketAddress(*IpAddress::parse("::1"), 443).to_string(), "[::1]:443");
  EXPECT_EQ(SocketAddress::unix_path("/run/x").to_string(), "unix:/run/x");
  EXPECT_TRUE(SocketAddress::unix_path("/run/x").is_unix());
  EXPECT_EQ(SocketAddress::unix_path("/run/x").path(), "/run/x");
}

TEST(SocketAddress, IsTheDefaultForAFormThatItDoesNotKnow) {
  sockaddr_storage storage{};
  storage.ss_family = AF_NETLINK;
  const auto* unknown = reinterpret_cast<const sockaddr*>(&storage);
  EXPECT_EQ(SocketAddress::from_sockaddr(unknown, sizeof storage), SocketAddress());
  EXPECT_EQ(SocketAddress::from_sockaddr(nullptr, 0), SocketAddress());
  storage.ss_family = AF_INET;
  EXPECT_EQ(SocketAddress::from_sockaddr(unknown, sizeof(sockaddr_in) - 1), SocketAddress());
}

TEST(SocketAddressDeathTest, StopsAtAPathThatTheKernelCannotTake) {
  sockaddr_storage storage;
  const SocketAddress address = SocketAddress::unix_path(std::string(108, 'x'));
  EXPECT_DEATH(address.to_sockaddr(storage), "CHECK failed");
}

TEST(CidrSet, KnowsWhatTheInternetDoesNotRoute) {
  const CidrSet set = CidrSet::private_networks();
  for (const char* inside : {"127.0.0.1", "10.255.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
                             "100.127.255.255", "169.254.1.1", "::1", "fd00::1", "fe80::1"}) {
    EXPECT_TRUE(set.contains(*IpAddress::parse(inside))) << inside;
  }
  for (const char* outside : {"8.8.8.8", "172.32.0.1", "100.128.0.1", "0.0.0.0", "2001:db8::1", "::2"}) {
    EXPECT_FALSE(set.contains(*IpAddress::parse(outside))) << outside;
  }
}

TEST(UnixPeer, HasNoAddressAndIsInItsOwnRangeAlone) {
  const IpAddress peer = IpAddress::unix_peer();
  EXPECT_EQ(peer.to_string(), "unix:");
  EXPECT_EQ(peer.size(), 0u);
  EXPECT_FALSE(peer.is_v4());
  EXPECT_NE(peer, IpAddress());
  const auto own = Cidr::parse("unix:");
  ASSERT_TRUE(own.has_value());
  EXPECT_EQ(own->to_string(), "unix:");
  EXPECT_TRUE(own->contains(peer));
  for (const char* range : {"0.0.0.0/0", "::/0", "0.0.0.0"}) {
    EXPECT_FALSE(Cidr::parse(range)->contains(peer)) << range;
    EXPECT_FALSE(own->contains(*IpAddress::parse(range == std::string_view("::/0") ? "::" : "0.0.0.0"))) << range;
  }
  for (const char* text : {"unix", "unix:/x", "unix:/0", " unix:"}) EXPECT_FALSE(Cidr::parse(text).has_value()) << text;
  // A client that has bound no name, as nearly all.
  sockaddr_storage unnamed{};
  unnamed.ss_family = AF_UNIX;
  const auto from = SocketAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&unnamed), sizeof(sa_family_t));
  EXPECT_EQ(from.ip(), peer);
  EXPECT_EQ(from.to_string(), "unix:");
  EXPECT_EQ(SocketAddress::unix_path("/run/x").ip(), peer);
}

}  // namespace
}  // namespace viaduct::base

// SPDX-License-Identifier: Apache-2.0
#include "net/name_answer.h"

#include <gtest/gtest.h>

#include <map>

namespace viaduct::net {
namespace {

base::IpAddress ip(const std::string& text) {
  return *base::IpAddress::parse(text);
}

NameHost host(std::vector<std::string> addresses, ServiceRecord record = {}) {
  NameHost made{.record = std::move(record), .v6 = {.is_known = true, .addresses = {}}, .v4 = {true, {}}};
  for (const std::string& text : addresses) {
    const base::IpAddress address = ip(text);
    (address.is_v4() ? made.v4 : made.v6).addresses.push_back(address);
  }
  return made;
}

NameAnswer answer(std::vector<NameHost> hosts) {
  NameAnswer made;
  made.hosts = std::move(hosts);
  return made;
}

std::string order_of(const NameAnswer& made, std::uint16_t port = 80) {
  base::Random random;
  std::string text;
  for (const base::SocketAddress& address : made.in_order(port, random)) {
    text += (text.empty() ? "" : " ") + address.to_string();
  }
  return text;
}

TEST(NameAnswer, TakesTheFamiliesInTurnIpv6First) {
  EXPECT_EQ(order_of(answer({host({"192.0.2.1", "192.0.2.2", "2001:db8::1"})})),
            "[2001:db8::1]:80 192.0.2.1:80 192.0.2.2:80");
  EXPECT_EQ(order_of(answer({host({"2001:db8::1", "2001:db8::2", "192.0.2.1"})}), 8080),
            "[2001:db8::1]:8080 192.0.2.1:8080 [2001:db8::2]:8080");
  EXPECT_EQ(order_of(answer({host({"192.0.2.1"})})), "192.0.2.1:80");
  EXPECT_EQ(order_of(answer({host({})})), "");
}

TEST(NameAnswer, TakesHostsByPriorityWithTheirPorts) {
  const NameAnswer made = answer({host({"192.0.2.3"}, {.host = "c", .port = 83, .priority = 30, .weight = 9}),
                                  host({"192.0.2.1"}, {.host = "a", .port = 81, .priority = 10, .weight = 1}),
                                  host({"192.0.2.2"}, {.host = "b", .port = 82, .priority = 20, .weight = 5})});
  EXPECT_EQ(order_of(made), "192.0.2.1:81 192.0.2.2:82 192.0.2.3:83");
}

TEST(NameAnswer, DrawsHostsOfOnePriorityByWeight) {
  const NameAnswer made = answer({host({"192.0.2.1"}, {.host = "a", .port = 1, .priority = 1, .weight = 10}),
                                  host({"192.0.2.2"}, {.host = "b", .port = 2, .priority = 1, .weight = 30}),
                                  host({"192.0.2.3"}, {.host = "c", .port = 3, .priority = 1, .weight = 0})});
  base::Random random;
  std::map<std::uint16_t, int> first;
  for (int i = 0; i < 4000; ++i) {
    const auto order = made.in_order(80, random);
    ASSERT_EQ(order.size(), 3u);
    ++first[order[0].port()];
  }
  // A quarter, three quarters, and hardly ever.
  EXPECT_NEAR(first[1], 1000, 200);
  EXPECT_NEAR(first[2], 3000, 250);
  EXPECT_LT(first[3], 250);
}

TEST(NameAnswer, DrawsHostsWithoutWeightsEvenly) {
  const NameAnswer made = answer({host({"192.0.2.1"}, {.host = "a", .port = 1, .priority = 1, .weight = 0}),
                                  host({"192.0.2.2"}, {.host = "b", .port = 2, .priority = 1, .weight = 0})});
  base::Random random;
  int first = 0;
  for (int i = 0; i < 1000; ++i) first += made.in_order(80, random)[0].port() == 1 ? 1 : 0;
  EXPECT_NEAR(first, 500, 150);
}

TEST(NameAnswer, IsCutAtItsBound) {
  std::vector<std::string> many;
  for (std::size_t i = 0; i <= NameAnswer::kAddressesMax; ++i) many.push_back("192.0.2." + std::to_string(i));
  base::Random random;
  EXPECT_EQ(answer({host(many)}).in_order(80, random).size(), NameAnswer::kAddressesMax);
}

TEST(NameAnswer, KeepsFromBeforeWhatNobodyCouldSay) {
  const NameAnswer earlier = answer({host({"192.0.2.1", "2001:db8::1"}, {.host = "a"}), host({"192.0.2.9"})});
  NameAnswer made = answer({host({"192.0.2.2"}, {.host = "a"}), host({}, {.host = "new"})});
  made.hosts[0].v6.is_known = false;
  made.hosts[1].v6.is_known = false;
  made.keep_unknown(earlier);
  EXPECT_EQ(order_of(made), "[2001:db8::1]:80 192.0.2.2:80");
  // That there are none is an answer.
  NameAnswer none = answer({host({"192.0.2.2"}, {.host = "a"})});
  none.keep_unknown(earlier);
  EXPECT_EQ(order_of(none), "192.0.2.2:80");
}

TEST(NameAnswer, GivesUpWhatNoNameMayMean) {
  NameAnswer made = answer({host({"127.0.0.1", "192.0.2.1", "fe80::1", "::1"})});
  const auto refused = made.take_forbidden({});
  EXPECT_EQ(order_of(made), "192.0.2.1:80");
  ASSERT_EQ(refused.size(), 3u);
  EXPECT_EQ(refused[0].address, ip("fe80::1"));
  EXPECT_EQ(refused[0].kind, "link_local");
}

TEST(NameAnswer, KeepsWhatTheConfigAllows) {
  base::CidrSet allowed;
  allowed.add(*base::Cidr::parse("127.0.0.0/8"));
  NameAnswer made = answer({host({"127.0.0.1", "169.254.169.254", "64:ff9b::7f00:1"})});
  EXPECT_EQ(made.take_forbidden(allowed).size(), 2u);
  EXPECT_EQ(order_of(made), "127.0.0.1:80");
}

TEST(NameAnswer, KeepsWhatDoesNotComeFromTheNetwork) {
  NameAnswer made = answer({host({"127.0.0.1"})});
  made.is_from_network = false;
  EXPECT_TRUE(made.take_forbidden({}).empty());
  EXPECT_FALSE(made.empty());
}

TEST(NameAnswer, ComparesWithoutOrder) {
  const NameAnswer made = answer({host({"192.0.2.1", "192.0.2.2"})});
  EXPECT_TRUE(made.means_the_same(answer({host({"192.0.2.2", "192.0.2.1"})})));
  EXPECT_FALSE(made.means_the_same(answer({host({"192.0.2.2"})})));
  EXPECT_FALSE(made.means_the_same(answer({host({"192.0.2.1", "192.0.2.2"}, {.host = "a", .port = 8080})})));
}

TEST(NameAnswer, KnowsItsAddresses) {
  const NameAnswer made =
      answer({host({"192.0.2.1"}), host({"192.0.2.2"}, {.host = "b", .port = 82, .priority = 1, .weight = 1})});
  EXPECT_TRUE(made.contains({ip("192.0.2.1"), 80}, 80));
  EXPECT_FALSE(made.contains({ip("192.0.2.1"), 82}, 80));
  EXPECT_TRUE(made.contains({ip("192.0.2.2"), 82}, 80));
  EXPECT_FALSE(made.contains({ip("192.0.2.2"), 80}, 80));
  EXPECT_FALSE(made.contains({ip("192.0.2.3"), 80}, 80));
}

}  // namespace
}  // namespace viaduct::net

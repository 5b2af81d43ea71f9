// SPDX-License-Identifier: Apache-2.0
#include "route/host_map.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/routing.h"

namespace viaduct::route {
namespace {

using support::make_site;

std::vector<config::Site> sites_of(const std::vector<std::vector<std::string>>& hosts) {
  std::vector<config::Site> sites;
  for (const std::vector<std::string>& names : hosts) sites.push_back(make_site(names, {}));
  return sites;
}

// The number of the site, or "invalid" or "unknown".
std::string find(const HostMap& map, std::string_view authority) {
  const auto found = map.find(authority);
  if (found) return std::to_string(found->site);
  return found.error() == HostMap::Failure::kInvalid ? "invalid" : "unknown";
}

struct Row {
  std::string_view authority;
  std::string_view site;
};

TEST(HostMap, PrefersExactNamesThenTheLongestWildcard) {
  const auto sites = sites_of({{"www.example.com", "example.com"}, {"*.example.com"}, {"*.a.example.com"}, {"*.com"}});
  const HostMap map(sites);
  const std::vector<Row> rows = {
      {"www.example.com", "0"}, {"example.com", "0"},       {"x.example.com", "1"},
      {"x.y.example.com", "1"}, {"a.example.com", "1"},     {"x.a.example.com", "2"},
      {"other.com", "3"},       {"x.y.other.com", "3"},     {"wwwxexample.com", "3"},
      {"com", "unknown"},       {"example.org", "unknown"}, {"www.example.com.org", "unknown"},
  };
  for (const Row& row : rows) EXPECT_EQ(find(map, row.authority), row.site) << row.authority;
}

TEST(HostMap, ComparesWithoutCasePortAndFinalDot) {
  const auto sites = sites_of({{"www.example.com"}, {"*.Wild.test"}});
  const HostMap map(sites);
  for (const char* authority :
       {"WWW.Example.COM", "www.example.com:443", "www.example.com:", "www.example.com.", "www.example.com.:8080"}) {
    EXPECT_EQ(find(map, authority), "0") << authority;
  }
  EXPECT_EQ(find(map, "X.WILD.TEST.:1"), "1");
  EXPECT_EQ(find(map, "www.example.com.."), "unknown");
}

TEST(HostMap, ComparesAddressesByValue) {
  const auto sites = sites_of({{"[2001:db8::1]"}, {"::1"}, {"192.0.2.1"}});
  const HostMap map(sites);
  const std::vector<Row> rows = {
      {"[2001:DB8:0:0:0:0:0:1]:443", "0"}, {"[::1]", "1"},      {"[0:0::1]:80", "1"}, {"192.0.2.1:80", "2"},
      {"[::ffff:192.0.2.1]", "2"},         {"[::2]", "unknown"}};
  for (const Row& row : rows) EXPECT_EQ(find(map, row.authority), row.site) << row.authority;
}

TEST(HostMap, TellsWhatIsNoHost) {
  const auto sites = sites_of({{"a"}});
  const HostMap map(sites);
  for (const char* authority : {"", ".", "a b", "a@b", "a:x", "[::1", "a/b", "a:80:80"}) {
    EXPECT_EQ(find(map, authority), "invalid") << authority;
  }
}

TEST(HostMap, GivesUnknownHostsToTheSiteThatTakesThem) {
  auto sites = sites_of({{"a"}, {"b"}, {"c"}});
  EXPECT_EQ(find(HostMap(sites), "z"), "unknown");
  EXPECT_EQ(HostMap(sites).default_site(), 0U);
  EXPECT_EQ(HostMap(sites).site_for_unknown(), std::nullopt);
  sites[1].is_default = true;
  EXPECT_EQ(find(HostMap(sites), "z"), "1");
  EXPECT_EQ(HostMap(sites).default_site(), 1U);
  EXPECT_EQ(HostMap(sites).site_for_unknown(), 1U);
  EXPECT_EQ(HostMap({}).default_site(), std::nullopt);
}

TEST(HostMap, NamesTheEntryThatMatched) {
  auto sites = sites_of({{"a.test", "*.a.test"}});
  sites[0].is_default = true;
  const HostMap map(sites);
  EXPECT_EQ(map.find("a.test")->pattern, "a.test");
  EXPECT_EQ(map.find("x.a.test")->pattern, "*.a.test");
  EXPECT_EQ(map.find("z")->pattern, "");
}

TEST(HostMap, TakesNoHostLongerThanNamesCanBe) {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');
  const auto sites = sites_of({{longest}, {"*." + label}});
  const HostMap map(sites);
  EXPECT_EQ(find(map, longest), "0");
  EXPECT_EQ(find(map, std::string(255, 'b')), "unknown");
  EXPECT_EQ(find(map, std::string(256, 'b')), "unknown");
  EXPECT_EQ(find(map, std::string(7000, '.') + label), "unknown");
}

TEST(NormalHost, IsLowerCaseWithoutPortDotAndBrackets) {
  EXPECT_EQ(NormalHost::of("WWW.x.:80")->text(), "www.x");
  EXPECT_EQ(NormalHost::of("[2001:DB8::0:1]:80")->text(), "2001:db8::1");
  EXPECT_FALSE(NormalHost::of("a b"));
}

}  // namespace
}  // namespace viaduct::route

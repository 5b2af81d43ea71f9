// SPDX-License-Identifier: Apache-2.0
#include "config/inherited.h"

#include <gtest/gtest.h>

namespace viaduct::config {
namespace {

Place at(int line, const std::string& file = "a.yaml") {
  return {.file = file, .line = line, .column = 1};
}

TEST(RoutePosition, IsAPath) {
  EXPECT_EQ((RoutePosition{.site = 2, .route = 13}.path()), "sites[2].routes[13]");
}

TEST(FindKeyPath, LooksInTheRouteTheSiteAndTheDefaults) {
  Places places;
  places.set_value("sites[0].routes[1].cors", at(3));
  places.set_value("sites[0].cors", at(2));
  places.set_value("defaults.cors", at(1));
  places.set_value("defaults.allow", at(1));
  EXPECT_EQ(find_key_path(places, {.site = 0, .route = 1}, "cors"), "sites[0].routes[1].cors");
  EXPECT_EQ(find_key_path(places, {.site = 0, .route = 0}, "cors"), "sites[0].cors");
  EXPECT_EQ(find_key_path(places, {.site = 1, .route = 0}, "cors"), "defaults.cors");
  EXPECT_EQ(find_key_path(places, {.site = 0, .route = 1}, "allow"), "defaults.allow");
  EXPECT_EQ(find_key_path(places, {.site = 0, .route = 1}, "rewrite"), "");
  EXPECT_TRUE(has_own_key(places, {.site = 0, .route = 1}, "cors"));
  EXPECT_FALSE(has_own_key(places, {.site = 0, .route = 0}, "cors"));
}

TEST(FindWrittenPath, KnowsHowAKeyMayBeWritten) {
  Places places;
  for (const char* path : {"sites[0].tls[0].cert", "sites[1].tls.cert", "sites[0].routes[0].match.regex",
                           "sites[0].routes[1].match.regex[1]", "sites[0].rewrite.regex", "sites[0].rewrite.regex[1]",
                           "upstreams.a.tls.ca"}) {
    places.set_value(path, at(1));
  }
  const struct {
    const char* key;
    const char* written;
  } rows[] = {
      {"upstreams.a.tls.ca", "upstreams.a.tls.ca"},
      {"upstreams.a.tls.cert", ""},
      {"sites[0].tls.cert", "sites[0].tls[0].cert"},
      {"sites[1].tls[0].cert", "sites[1].tls.cert"},
      {"sites[1].tls.key", ""},
      {"sites[0].routes[0].match.regex[0]", "sites[0].routes[0].match.regex"},
      {"sites[0].routes[1].match.regex[1]", "sites[0].routes[1].match.regex[1]"},
      {"sites[0].routes[7].rewrite.regex[1]", "sites[0].rewrite.regex[1]"},
      {"sites[1].routes[0].rewrite.regex[1]", ""},
      {"sites[0", ""},
      {"sites[0].routes[", ""},
      {"]", ""},
      {"", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(find_written_path(places, row.key), row.written) << row.key;
}

TEST(ShowPlace, NamesTheFileWhereItIsAnother) {
  EXPECT_EQ(show_place(at(7), at(9)), "line 7");
  EXPECT_EQ(show_place(at(7, "b.yaml"), at(9)), "b.yaml:7");
}

}  // namespace
}  // namespace viaduct::config

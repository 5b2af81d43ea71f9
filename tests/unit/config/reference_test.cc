// SPDX-License-Identifier: Apache-2.0
#include "config/reference.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "config/load.h"
#include "support/config_load.h"
#include "support/shipped_config.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

// "sites[0].routes[2].match" as the reference has it: "sites[].routes[].match"; names of maps become NAME.
std::string kind_of(std::string path) {
  for (std::size_t at = path.find('['); at != std::string::npos; at = path.find('[', at + 2)) {
    path.erase(at + 1, path.find(']', at) - at - 1);
  }
  for (const std::string_view map : {"upstreams.", "errors."}) {
    if (path.starts_with(map))
      path.replace(map.size(), std::min(path.find('.', map.size()), path.size()) - map.size(), "NAME");
  }
  // A single certificate stands without brackets.
  if (path.starts_with("sites[].tls.")) path.insert(std::string_view("sites[].tls").size(), "[]");
  if (path.starts_with("defaults.")) path.replace(0, 8, "sites[].routes[]");
  for (const std::string_view map : {"set.", "add.", "match.headers.", "match.query."}) {
    const std::size_t at = path.find("." + std::string(map));
    if (at != std::string::npos) path.resize(at + map.size());
  }
  return path;
}

TEST(Reference, HasEveryKeyOfTheShippedConfig) {
  const support::TemporaryDirectory directory;
  const LoadResult result = load_file(support::install_shipped_config(directory));
  const std::string text = "\n" + reference_text();
  std::size_t keys = 0;
  for (const std::string& path : result.places.paths()) {
    const std::string kind = kind_of(path);
    // Items of lists, and names in maps, are no keys of their own.
    if (kind.empty() || kind.ends_with("[]") || kind.ends_with("NAME")) continue;
    ++keys;
    EXPECT_TRUE(text.contains("\n" + kind + "\n")) << path << " " << kind;
  }
  EXPECT_GT(keys, 80U);
}

TEST(Reference, GivesTypeDefaultAndSentence) {
  const std::string text = reference_text();
  EXPECT_TRUE(text.contains(
      "\nclient.header_timeout\n"
      "    duration, 1ms to 1d; default 10s\n"
      "    How long the whole head of a request may take; 408. The first of a connection has until then to come.\n"));
  EXPECT_TRUE(text.contains("\nclient.min_rate\n    size, 1 to 1g, or null; default 500\n"));
  EXPECT_TRUE(text.contains("\nsites[].routes[].body_limit\n    size, 0 to 1024g, or null; default 20m\n"));
  EXPECT_TRUE(text.contains("\nupstreams.NAME.eject\n    map, or null; on by default\n"));
  EXPECT_TRUE(text.contains("\nsites[].routes[].cors\n    map, or null; default null\n"));
  EXPECT_TRUE(text.contains("\nlisteners[].address\n    address; required\n"));
  EXPECT_TRUE(text.contains("\nupstreams.NAME.servers[].weight\n    number, 1 to 1000; default 1\n"));
  EXPECT_TRUE(text.contains("\nsites[].routes[].cors.allow_methods\n    list of methods; default [GET, HEAD, POST]\n"));
}

TEST(Reference, SaysADefaultThatIsNoValue) {
  EXPECT_TRUE(reference_text().contains("\nprocess.user\n    name of a user; default stay who we are\n"));
}

TEST(Reference, TellsRouteKeysOnce) {
  const std::string text = reference_text();
  EXPECT_TRUE(
      text.contains("\ndefaults.*\n    Every key of sites[].routes[] but name and match; routes inherit it.\n"));
  EXPECT_TRUE(text.contains("\nsites[].*\n"));
  EXPECT_FALSE(text.contains("\ndefaults.cors\n"));
}

TEST(Reference, FitsATerminal) {
  const std::string text = reference_text();
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    EXPECT_LE(end, 130U) << rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

TEST(Dump, ShowsWhatIsInEffectAndNoSecret) {
  const auto config = support::config_of(support::with_routes(
      "      - { match: { prefix: /x }, upstream: app, headers: { request: { set: { X-A: s3cr3t } } } }\n"));
  const nlohmann::json dumped = to_json(dump(*config));
  EXPECT_FALSE(dumped.dump().contains("s3cr3t"));
  const nlohmann::json& route = dumped["sites"][0]["routes"][0];
  EXPECT_EQ(route["name"], "x");
  EXPECT_EQ(route["upstream"], "app");
  EXPECT_EQ(route["headers"]["request"]["set"]["X-A"], "(secret)");
  EXPECT_EQ(route["timeouts"]["connect"], "2s");
  EXPECT_EQ(route["cors"], nullptr);
  EXPECT_EQ(dumped["client"]["max_fields"], 100);
  EXPECT_EQ(dumped["listeners"][0]["tls"], false);
  EXPECT_FALSE(dumped.contains("defaults"));
}

TEST(ToJson, KeepsTextText) {
  EXPECT_EQ(to_json(Node::word("12")), 12);
  EXPECT_EQ(to_json(Node::quoted("12")), "12");
  EXPECT_EQ(to_json(Node::word("012")), "012");
  EXPECT_EQ(to_json(Node::word("true")), true);
  EXPECT_EQ(to_json(Node::word("20m")), "20m");
  EXPECT_EQ(to_json(Node{}), nullptr);
  EXPECT_EQ(to_json(Node::list({Node::word("a")})).dump(), "[\"a\"]");
}

TEST(Reference, IsAManualPageWithTheSameKeys) {
  const std::string manual = reference_manual("1.2.3");
  EXPECT_TRUE(manual.starts_with(".TH VIADUCT.YAML 5 \"\" \"viaduct 1.2.3\" \"Viaduct\"\n")) << manual.substr(0, 200);
  const std::vector<ReferenceEntry> entries = reference_entries();
  EXPECT_GT(entries.size(), 100U);
  for (const ReferenceEntry& entry : entries) {
    EXPECT_TRUE(manual.contains("\n\\fB" + entry.path + "\\fR\n")) << entry.path;
  }
  // What begins with a dot or holds a hyphen or a backslash is text there, too.
  EXPECT_TRUE(manual.contains("(single\\-page applications)"));
}

}  // namespace
}  // namespace viaduct::config

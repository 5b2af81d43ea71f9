// SPDX-License-Identifier: Apache-2.0
#include "config/spelling.h"

#include <gtest/gtest.h>

namespace viaduct::config {
namespace {

const std::vector<std::string> kKeys = {"listeners", "tls", "client", "upstreams", "sites", "logs", "header_timeout"};

TEST(EditDistance, CountsSteps) {
  const struct {
    const char* from;
    const char* to;
    std::size_t distance;
  } rows[] = {
      {"", "", 0},
      {"a", "", 1},
      {"", "abc", 3},
      {"sites", "sites", 0},
      {"site", "sites", 1},
      {"sties", "sites", 1},  // neighbours swapped
      {"Sites", "sites", 0},  // case
      {"header-timeout", "header_timeout", 0},
      {"kitten", "sitting", 3},
  };
  for (const auto& row : rows) EXPECT_EQ(edit_distance(row.from, row.to), row.distance) << row.from << " " << row.to;
}

TEST(Nearest, FindsWhatWasMeant) {
  EXPECT_EQ(nearest("listener", kKeys), "listeners");
  EXPECT_EQ(nearest("lgos", kKeys), "logs");
  EXPECT_EQ(nearest("Client", kKeys), "client");
  EXPECT_EQ(nearest("header-timeout", kKeys), "header_timeout");
  EXPECT_EQ(nearest("headertimeout", kKeys), "header_timeout");
  EXPECT_EQ(nearest("header", kKeys), "header_timeout");  // the one that starts so
  EXPECT_EQ(nearest("upstreams_list", kKeys), "upstreams");
}

TEST(Nearest, DoesNotGuessWildly) {
  EXPECT_EQ(nearest("banana", kKeys), "");
  EXPECT_EQ(nearest("", kKeys), "");
  EXPECT_EQ(nearest("x", kKeys), "");
  EXPECT_EQ(nearest(std::string(65, 's'), kKeys), "");
  const std::vector<std::string> versions = {"1.0", "1.2"};
  EXPECT_EQ(nearest("1.4", versions), "");  // a number is not like another
  EXPECT_EQ(nearest("TLSv1.2", versions), "1.2");
}

TEST(Suggestion, NamesOneOrListsAll) {
  EXPECT_EQ(suggestion("sitse", kKeys), "did you mean \"sites\"?");
  EXPECT_EQ(suggestion("banana", kKeys), "known here: listeners, tls, client, upstreams, sites, logs, header_timeout");
  EXPECT_EQ(suggestion("banana", {}), "");
  EXPECT_EQ(suggestion("banana", std::vector<std::string>(25, "word")), "");
}

TEST(JoinOr, ReadsLikeASentence) {
  EXPECT_EQ(join_or({}), "");
  EXPECT_EQ(join_or(std::vector<std::string>{"a"}), "a");
  EXPECT_EQ(join_or(std::vector<std::string>{"a", "b"}), "a or b");
  EXPECT_EQ(join_or(std::vector<std::string>{"a", "b", "c"}), "a, b or c");
}

}  // namespace
}  // namespace viaduct::config

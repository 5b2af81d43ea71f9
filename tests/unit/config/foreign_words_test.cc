// SPDX-License-Identifier: Apache-2.0
#include "config/foreign_words.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "config/root_keys.h"

namespace viaduct::config {
namespace {

TEST(ForeignWords, KnowsTheWordsOfOtherSystems) {
  for (const char* word : {"location",      "proxy_pass",
                           "server_name",   "root",
                           "listen",        "backend",
                           "frontend",      "whitelist",
                           "blacklist",     "ssl",
                           "gzip",          "try_files",
                           "add_header",    "proxy_set_header",
                           "return",        "client_max_body_size",
                           "reverse_proxy", "bind",
                           "acl",           "middlewares"}) {
    EXPECT_FALSE(foreign_word_hint(word, "sites[].routes[]").empty()) << word;
  }
  EXPECT_EQ(foreign_word_hint("Proxy_Pass", ""), foreign_word_hint("proxy_pass", ""));
}

TEST(ForeignWords, KnowsWhereAWordWasWritten) {
  EXPECT_TRUE(foreign_word_hint("upstream", "").contains("upstreams"));
  EXPECT_TRUE(foreign_word_hint("upstream", "sites[].routes[]").empty());
  EXPECT_TRUE(foreign_word_hint("listen", "listeners[]").contains("address:"));
  EXPECT_TRUE(foreign_word_hint("server", "").contains("sites"));
  EXPECT_TRUE(foreign_word_hint("server", "upstreams.*").contains("servers"));
}

TEST(ForeignWords, LeavesOtherWordsToTheSpelling) {
  for (const char* word : {"", "upstrem", "banana", "headers"})
    EXPECT_TRUE(foreign_word_hint(word, "").empty()) << word;
}

// A word that is one of ours somewhere is looked up only where it is unknown, so it may be here, too; but a word that
// is known at the top must not be hinted at there.
TEST(ForeignWords, DoesNotMistakeOurOwnKeysAtTheTop) {
  const Table<ConfigDraft> table = root_keys();
  for (const KeyInfo& key : table.infos()) EXPECT_TRUE(foreign_word_hint(key.name, "").empty()) << key.name;
}

}  // namespace
}  // namespace viaduct::config

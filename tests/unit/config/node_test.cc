// SPDX-License-Identifier: Apache-2.0
#include "config/node.h"

#include <gtest/gtest.h>

namespace viaduct::config {
namespace {

TEST(Node, FindsTheValueOfAKey) {
  Node map = Node::map();
  map.add("tls", Node::word("true"));
  ASSERT_NE(map.find("tls"), nullptr);
  EXPECT_EQ(map.find("tls")->text, "true");
  EXPECT_EQ(map.find_entry("tls")->key, "tls");
  EXPECT_EQ(map.find("http2"), nullptr);
  EXPECT_EQ(map.find_entry("http2"), nullptr);
}

TEST(Node, SaysWhatItIs) {
  EXPECT_EQ(describe(Node{}), "nothing");
  EXPECT_EQ(describe(Node::word("x")), "text");
  EXPECT_EQ(describe(Node::list()), "a list");
  EXPECT_EQ(describe(Node::map()), "a map");
}

TEST(Node, IsWrittenInFlowStyle) {
  Node map = Node::map();
  map.add("connect", Node::word("2s"));
  map.add("methods", Node::list({Node::word("GET"), Node::quoted("HEAD")}));
  map.add("total", Node{});
  EXPECT_EQ(to_flow_text(map), "{connect: 2s, methods: [GET, HEAD], total: null}");
}

TEST(Node, QuotesTextThatYamlWouldReadDifferently) {
  EXPECT_EQ(to_flow_text(Node::quoted("plain-text_1.5/x")), "plain-text_1.5/x");
  EXPECT_EQ(to_flow_text(Node::quoted("")), "\"\"");
  EXPECT_EQ(to_flow_text(Node::quoted("a b")), "\"a b\"");
  EXPECT_EQ(to_flow_text(Node::quoted("*")), "\"*\"");
  EXPECT_EQ(to_flow_text(Node::quoted("a\"b\\c: \n")), "\"a\\\"b\\\\c: \\n\"");
}

TEST(NodeDeathTest, TakesKeysInMapsAlone) {
  Node list = Node::list();
  EXPECT_DEATH(list.add("key", Node{}), "CHECK failed");
}

}  // namespace
}  // namespace viaduct::config

// SPDX-License-Identifier: Apache-2.0
#include "filter/rewrite_regex.h"

#include <gtest/gtest.h>

namespace viaduct::filter {
namespace {

struct Row {
  std::string_view path;
  std::string_view rewritten;
  std::string_view query;
};

void expect_rows(const config::ReplaceRegex& config, std::initializer_list<Row> rows,
                 Spelling spelling = Spelling::kReceived) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  const auto made = RewriteRegex::make(config);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  for (const Row& row : rows) {
    const Rewritten rewritten = made->rewrite(row.path, spelling, arena);
    EXPECT_EQ(rewritten.path, row.rewritten) << row.path;
    EXPECT_EQ(rewritten.query, row.query) << row.path;
  }
}

TEST(RewriteRegex, FindsTheDecodedPathUnderEverySpelling) {
  expect_rows({"^/u/(.*)$", "/users/\\1"}, {
                                               {"/u/1", "/users/1", ""},
                                               {"/%75/1", "/users/1", ""},
                                               {"/x/1", "/x/1", ""},
                                           });
  expect_rows({"^/支付", "/pay"}, {
                                      {"/%E6%94%AF%E4%BB%98/x", "/pay/x", ""},
                                      {"/%e6%94%af%e4%bb%98/x", "/pay/x", ""},
                                      {"/支付/x", "/pay/x", ""},
                                      {"/%E6%94%AF", "/%E6%94%AF", ""},
                                  });
  expect_rows({" ", "-"}, {{"/a%20b", "/a-b", ""}});
}

// Nothing is altered but what the config names.
TEST(RewriteRegex, KeepsTheSpellingOfGroupsAndOfWhatStandsAroundTheMatch) {
  expect_rows({"^/u/(.*)$", "/users/\\1"}, {
                                               {"/u/%41b", "/users/%41b", ""},
                                               {"/u/a%2Fb%2fc", "/users/a%2Fb%2fc", ""},
                                               {"/u/100%25", "/users/100%25", ""},
                                               {"/u/%252F", "/users/%252F", ""},
                                               {"/u/%e6%94%AF", "/users/%e6%94%AF", ""},
                                               {"/u/支", "/users/支", ""},
                                               {"/u/|^", "/users/|^", ""},
                                           });
  expect_rows({"/b/(.)", "/c/\\1\\1"}, {{"/%61/b/%41/%7E", "/%61/c/%41%41/%7E", ""}});
  expect_rows({"(x)?/(y)?$", "/z\\1\\2"}, {{"/%61/", "/%61/z", ""}});
  expect_rows({"^", "/p"}, {{"/%61", "/p/%61", ""}});
}

// A path in GBK, say, is no UTF-8, but its route must not be a way around the rewrite.
TEST(RewriteRegex, FindsWhatIsNoUtf8) {
  expect_rows({"^/u/(.*)$", "/users/\\1"}, {
                                               {"/u/%D6%A7", "/users/%D6%A7", ""},
                                               {"/u/\xD6\xA7", "/users/\xD6\xA7", ""},
                                               {"/u/%E6%94", "/users/%E6%94", ""},
                                               {"/u/%FFx%E6%94%AF", "/users/%FFx%E6%94%AF", ""},
                                           });
  expect_rows({"^/u/(.)(.)", "/\\2\\1"}, {{"/u/%FF%E6%94%AFx", "/%E6%94%AF%FFx", ""}});
}

TEST(RewriteRegex, SpellsTheReplacementAsAPathAndAQuery) {
  expect_rows({"^/a", "/b c/支/50%off/\\\\"}, {{"/a/x", "/b%20c/%E6%94%AF/50%25off/%5C/x", ""}});
  expect_rows({"^/a$", "/b?c=d e&f=%2F&g=5%&h=支?"}, {{"/a", "/b", "c=d%20e&f=%2F&g=5%25&h=%E6%94%AF?"}});
}

// A group in the query is one value: it must not bring parameters of its own.
TEST(RewriteRegex, PutsGroupsIntoTheQueryAsValues) {
  expect_rows({"^/old/([^/]*)", "/new?id=\\1&x=y"}, {
                                                        {"/old/1", "/new", "id=1&x=y"},
                                                        {"/old/1&admin=1", "/new", "id=1%26admin=1&x=y"},
                                                        {"/old/a+b;c", "/new", "id=a%2Bb%3Bc&x=y"},
                                                        {"/old/%26%2541", "/new", "id=%26%2541&x=y"},
                                                    });
  expect_rows({"^/old/", "/new?rest="}, {{"/old/a&b", "/new", "rest=a%26b"}});
}

TEST(RewriteRegex, TakesADecodedPathAsItStands) {
  expect_rows({"^/u/(.*)$", "/us%ers/\\1"},
              {
                  {"/u/%41 b", "/us%ers/%41 b", ""},
                  {"/u/\xFF", "/us%ers/\xFF", ""},
                  {"/%75/x", "/%75/x", ""},
              },
              Spelling::kDecoded);
}

TEST(RewriteRegex, LeavesASlashAtTheStart) {
  expect_rows({"^/strip/", ""}, {{"/strip/x", "/x", ""}, {"/strip/", "/", ""}});
  expect_rows({"^/q/(.*)", "?q=\\1"}, {{"/q/x", "/", "q=x"}});
}

TEST(RewriteRegex, RefusesWhatIsNoRegexOrNoReplacement) {
  EXPECT_FALSE(RewriteRegex::make({"(", "x"}).has_value());
  EXPECT_FALSE(RewriteRegex::make({"a", "\\1"}).has_value());
}

}  // namespace
}  // namespace viaduct::filter

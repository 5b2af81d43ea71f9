// SPDX-License-Identifier: Apache-2.0
#include "action/static_file.h"

#include <gtest/gtest.h>

#include "support/temporary_directory.h"

namespace viaduct::action {
namespace {

using namespace std::chrono_literals;

config::StaticAction below(const std::string& root) {
  config::StaticAction action;
  action.root = root;
  return action;
}

TEST(StaticFile, RefusesARootThatIsNoDirectoryAndARewriteByRegex) {
  support::TemporaryDirectory directory;
  directory.write("file", "x");
  for (const std::string& root : {directory / "missing", directory / "file"}) {
    const auto made = StaticFile::make(below(root), {});
    ASSERT_FALSE(made.has_value()) << root;
    EXPECT_NE(made.error().message.find(root), std::string::npos) << made.error().message;
  }
  EXPECT_FALSE(StaticFile::make(below(directory.path()), config::ReplaceRegex{"a", "b"}).has_value());
}

TEST(StaticFile, LooksPathsUpBelowItsRoot) {
  support::TemporaryDirectory directory;
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  struct Row {
    std::string strip;
    std::optional<config::Rewrite> rewrite;
    std::string_view path;
    std::string_view located;
  };
  const Row rows[] = {
      {"", {}, "/a/b", "a/b"},
      {"", {}, "/", ""},
      {"/x", {}, "/x/a", "a"},
      {"/x", {}, "/x", ""},
      {"/x", {}, "/xa", "xa"},
      {"/x/", {}, "/x/a", "a"},
      {"", config::StripPrefix{"/y"}, "/y/a", "a"},
      {"", config::ReplacePrefix{"/y", "/z"}, "/y/a", "z//a"},
  };
  for (const Row& row : rows) {
    config::StaticAction action = below(directory.path());
    action.strip_prefix = row.strip;
    const auto made = StaticFile::make(action, row.rewrite);
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ((*made)->locate(row.path, arena), row.located) << row.path;
  }
}

TEST(StaticFile, SaysOneCacheControl) {
  support::TemporaryDirectory directory;
  struct Row {
    std::optional<base::Duration> expires;
    bool immutable;
    std::string_view text;
  };
  for (const Row& row : {Row{std::nullopt, false, ""}, Row{std::nullopt, true, "immutable"},
                         Row{720h, false, "max-age=2592000"}, Row{1h, true, "max-age=3600, immutable"}}) {
    config::StaticAction action = below(directory.path());
    action.expires = row.expires;
    action.immutable = row.immutable;
    const auto made = StaticFile::make(action, {});
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ((*made)->cache_control(), row.text);
  }
}

TEST(StaticFile, KnowsHiddenSegments) {
  for (const std::string_view path :
       {".env", "a/.git/config", ".git/", "a/.x", "..", "a/.", ".well-known/.x", ".well-knownx"}) {
    EXPECT_TRUE(has_hidden_segment(path)) << path;
  }
  for (const std::string_view path :
       {"", "a", "a.b", "a/b.", ".well-known/acme-challenge/x", "a/.well-known/x", "a..b"}) {
    EXPECT_FALSE(has_hidden_segment(path)) << path;
  }
}

}  // namespace
}  // namespace viaduct::action

// SPDX-License-Identifier: Apache-2.0
#include "action/static_file.h"

#include <gtest/gtest.h>

#include "support/temporary_directory.h"

namespace viaduct::action {
namespace {

using namespace std::chrono_literals;

class StaticFileTest : public testing::Test {
 protected:
  config::StaticAction config() const {
    config::StaticAction action;
    action.root = directory_.path();
    return action;
  }
  std::unique_ptr<StaticFile> make(const config::StaticAction& config,
                                   const std::optional<config::Rewrite>& rewrite = std::nullopt) {
    auto made = StaticFile::make(config, rewrite);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return std::move(*made);
  }

  struct Row {
    std::string_view path;
    std::string_view located;
  };
  void expect_located(const StaticFile& action, std::initializer_list<Row> rows) {
    for (const Row& row : rows) EXPECT_EQ(action.locate(row.path, arena_), row.located) << row.path;
  }

  support::TemporaryDirectory directory_;
  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
};

TEST_F(StaticFileTest, LooksTheWholePathUp) {
  expect_located(*make(config()), {{"/", ""}, {"/a", "a"}, {"/a/b.txt", "a/b.txt"}, {"/a/", "a/"}});
}

TEST_F(StaticFileTest, LooksUpWhatIsLeftOfAStrippedPrefix) {
  config::StaticAction stripping = config();
  stripping.strip_prefix = "/static";
  expect_located(*make(stripping), {{"/static/a.js", "a.js"},
                                    {"/static/", ""},
                                    {"/static", ""},
                                    {"/statically/a", "statically/a"},
                                    {"/other", "other"}});
  stripping.strip_prefix = "/static/";
  expect_located(*make(stripping), {{"/static/a.js", "a.js"}, {"/static/", ""}, {"/static", "static"}});
  expect_located(*make(config(), config::StripPrefix{"/x"}), {{"/x/a", "a"}, {"/y/a", "y/a"}});
}

TEST_F(StaticFileTest, LooksUpAnotherPrefixInItsPlace) {
  expect_located(*make(config(), config::ReplacePrefix{"/old", "/new"}),
                 {{"/old/a", "new/a"}, {"/old/", "new/"}, {"/old", "new"}, {"/older", "older"}, {"/x", "x"}});
  expect_located(*make(config(), config::ReplacePrefix{"/old/", "/new"}), {{"/old/a", "new/a"}, {"/old/", "new"}});
  expect_located(*make(config(), config::ReplacePrefix{"/old", "/new/"}), {{"/old", "new/"}});
  // A single file has nothing behind it, not even a slash.
  expect_located(*make(config(), config::ReplacePrefix{"/old.html", "/new.html"}), {{"/old.html", "new.html"}});
}

TEST_F(StaticFileTest, SaysInOneLineHowLongAFileMayBeKept) {
  struct KeepRow {
    std::optional<base::Duration> expires;
    bool immutable;
    std::string_view value;
  };
  for (const KeepRow& row : {KeepRow{std::nullopt, false, ""}, KeepRow{30 * 24h, false, "max-age=2592000"},
                             KeepRow{30 * 24h, true, "max-age=2592000, immutable"}, KeepRow{0s, false, "max-age=0"},
                             KeepRow{1500ms, false, "max-age=1"}, KeepRow{std::nullopt, true, "immutable"}}) {
    config::StaticAction keeping = config();
    keeping.expires = row.expires;
    keeping.immutable = row.immutable;
    EXPECT_EQ(make(keeping)->cache_control(), row.value);
  }
}

TEST_F(StaticFileTest, IsNotMadeOfWhatIsNoDirectory) {
  config::StaticAction missing = config();
  missing.root = directory_ / "none";
  const auto none = StaticFile::make(missing, std::nullopt);
  ASSERT_FALSE(none.has_value());
  EXPECT_NE(none.error().message.find("none"), std::string::npos) << none.error().message;
  missing.root = directory_.write("file", "x");
  EXPECT_FALSE(StaticFile::make(missing, std::nullopt).has_value());
  const auto regex = StaticFile::make(config(), config::ReplaceRegex{.pattern = "a", .replacement = "b"});
  ASSERT_FALSE(regex.has_value());
  EXPECT_EQ(regex.error().message, "rewrite.regex does not work with static; use strip_prefix or prefix");
}

TEST(FileRequests, AreReadingOnesOfPathsThatFilesCanHave) {
  using http::Method;
  using http::Reason;
  const route::Decision clean;
  route::Decision control;
  control.has_control = true;
  route::Decision bytes;
  bytes.is_utf8 = false;
  EXPECT_EQ(judge_file_request(Method::kGet, clean), Reason::kNone);
  EXPECT_EQ(judge_file_request(Method::kHead, clean), Reason::kNone);
  for (const Method method : {Method::kPost, Method::kPut, Method::kOptions, Method::kOther}) {
    EXPECT_EQ(judge_file_request(method, clean), Reason::kMethodNotAllowed);
    EXPECT_EQ(judge_file_request(method, control), Reason::kMethodNotAllowed);
  }
  EXPECT_EQ(judge_file_request(Method::kGet, control), Reason::kPathInvalid);
  EXPECT_EQ(judge_file_request(Method::kHead, bytes), Reason::kPathInvalid);
}

TEST(HiddenSegments, AreThoseThatBeginWithADotButOne) {
  for (const std::string_view hidden : {".env", ".git/config", "a/.git", "a/.hidden/b", "..", "a/..", ".", "...",
                                        ".well-known2", ".well-know", ".Well-Known/x", ".well-known/.env"}) {
    EXPECT_TRUE(has_hidden_segment(hidden)) << hidden;
  }
  for (const std::string_view shown :
       {"", "a", "a.b", "a/b.c", ".well-known/acme-challenge/token", "a/.well-known", "a//b", "a/", "a.b./c"}) {
    EXPECT_FALSE(has_hidden_segment(shown)) << shown;
  }
}

}  // namespace
}  // namespace viaduct::action

// SPDX-License-Identifier: Apache-2.0
// Files that are answered from memory: the same answers as from the disk, and never yesterday's.
#include <gtest/gtest.h>

#include <filesystem>

#include "action/static_run.h"
#include "support/exchange_scene.h"
#include "support/multipart.h"

namespace viaduct::action {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

class StaticCacheTest : public testing::Test {
 protected:
  StaticCacheTest() {
    for (std::size_t i = 0; i < os::FileCache::kFileBytesMax + 1; ++i) bytes_ += static_cast<char>('a' + i % 23);
    files_.write("page.txt", "page");
    files_.write("empty.txt", "");
    files_.write("docs/index.html", "docs");
    files_.write("large.txt", bytes_);
    files_.write("kept.txt", bytes_.substr(1));
    files_.write("coded.css", "plain");
    files_.write("coded.css.gz", "GZIP");
    files_.write("script.js", bytes_);
    files_.write("script.js.br", "BROTLI");
    config::StaticAction action;
    action.root = files_.path();
    action.fallback = "/docs/index.html";
    auto made = StaticFile::make(action, std::nullopt);
    EXPECT_TRUE(made.has_value());
    scene_.add_route().action = std::move(*made);
    scene_.site().routes.back().action = action;
    // What was written just now may be written again within a tick, and is not kept.
    scene_.clock.set_wall(base::SystemClock().wall_now() + 1h);
    scene_.drains = false;
  }
  support::CapturedResponse& get(std::string_view target, const Fields& fields = {}, std::string_view method = "GET") {
    auto& call = scene_.call({.method = method, .target = target, .fields = fields});
    while (!call.response.is_complete && !call.response.is_reset) call.make_room(support::CapturedResponse::kRoom);
    scene_.turn();
    return call.response;
  }
  std::size_t known() { return scene_.services().files.size(); }

  std::string bytes_;
  support::TemporaryDirectory files_;
  support::ExchangeScene scene_;
};

TEST_F(StaticCacheTest, AnswersAgainAsItDidBefore) {
  struct Row {
    std::string_view target;
    Fields fields;
    int status;
    std::string body;
    std::size_t known;  // entries that it takes
    std::string_view method = "GET";
  };
  for (const Row& row :
       {Row{"/page.txt", {}, 200, "page", 1}, Row{"/page.txt", {}, 200, "", 1, "HEAD"},
        Row{"/page.txt", {{"If-None-Match", "*"}}, 304, "", 1},
        Row{"/page.txt", {{"If-Match", "\"other\""}}, 412, "(any)", 1},
        Row{"/page.txt", {{"Range", "bytes=1-2"}}, 206, "ag", 1},
        Row{"/page.txt", {{"Range", "bytes=9-"}}, 416, "(any)", 1},
        Row{"/page.txt", {{"Range", "bytes=0-0,3-3"}}, 206, "(any)", 1},
        Row{"/kept.txt", {{"Range", "bytes=20000-90000"}}, 206, bytes_.substr(20001, 70001), 1},
        Row{"/empty.txt", {}, 200, "", 1}, Row{"/docs/", {}, 200, "docs", 2}, Row{"/docs", {}, 301, "", 1},
        Row{"/missing", {{"Accept", "text/html"}}, 200, "docs", 1}, Row{"/missing", {}, 404, "(any)", 0},
        Row{"/kept.txt", {}, 200, bytes_.substr(1), 1}, Row{"/large.txt", {}, 200, bytes_, 0},
        Row{"/coded.css", {}, 200, "plain", 1}, Row{"/coded.css", {{"Accept-Encoding", "gzip"}}, 200, "GZIP", 1},
        Row{"/script.js", {{"Accept-Encoding", "br"}}, 200, "BROTLI", 1}, Row{"/script.js", {}, 200, bytes_, 0}}) {
    scene_.services().files.sweep(base::MonoTime::max());
    Fields fields = row.fields;
    fields.emplace_back("X-Request-Id", "one");
    const support::CapturedResponse& first = get(row.target, fields, row.method);
    EXPECT_EQ(first.status, row.status) << row.target;
    EXPECT_TRUE(row.body == "(any)" || first.body == row.body) << row.target;
    EXPECT_EQ(known(), row.known) << row.target;
    for (int again = 0; again < 3; ++again) {
      const support::CapturedResponse& next = get(row.target, fields, row.method);
      EXPECT_EQ(next.status, first.status) << row.target;
      ASSERT_EQ(next.fields.size(), first.fields.size()) << row.target;
      for (std::size_t i = 0; i < first.fields.size(); ++i) {
        EXPECT_EQ(next.fields[i].first, first.fields[i].first);
        EXPECT_EQ(support::with_cuts(next, next.fields[i].second), support::with_cuts(first, first.fields[i].second));
      }
      EXPECT_EQ(next.body_size.bytes, first.body_size.bytes) << row.target;
      EXPECT_TRUE(support::body_with_cuts(next) == support::body_with_cuts(first)) << row.target;
    }
    EXPECT_EQ(known(), row.known) << row.target;
  }
}

TEST_F(StaticCacheTest, LoadsEachCodingWhenItIsWanted) {
  EXPECT_EQ(get("/coded.css").body, "plain");
  EXPECT_EQ(get("/coded.css", {{"Accept-Encoding", "gzip"}}).body, "GZIP");
  EXPECT_EQ(get("/coded.css").body, "plain");
  EXPECT_EQ(get("/script.js", {{"Accept-Encoding", "br"}}).body, "BROTLI");
  EXPECT_TRUE(get("/script.js").body == bytes_) << "too large to be kept, but known by its coding";
  EXPECT_EQ(get("/script.js", {{"Accept-Encoding", "br"}}).body, "BROTLI");
  EXPECT_EQ(known(), 2u);
}

TEST_F(StaticCacheTest, SendsWhatWasWrittenBeforeTheRequest) {
  for (int i = 0; i < 50; ++i) {
    const std::string text = "text " + std::to_string(i % 10);
    files_.write("page.txt", text);
    EXPECT_EQ(get("/page.txt").body, text);
    EXPECT_EQ(get("/page.txt").body, text);
    // Whatever the clock of the file system has seen of the last change: the present one is within its tick.
    scene_.clock.set_wall(base::SystemClock().wall_now() + (i % 2 == 0 ? 0s : 1s));
  }
}

TEST_F(StaticCacheTest, SeesFilesComeAndGo) {
  EXPECT_EQ(get("/coded.css", {{"Accept-Encoding", "br, gzip"}}).body, "GZIP");
  files_.write("coded.css.br", "BROTLI");
  EXPECT_EQ(get("/coded.css", {{"Accept-Encoding", "br, gzip"}}).body, "BROTLI");
  fs::remove(files_ / "coded.css.br");
  fs::remove(files_ / "coded.css.gz");
  EXPECT_EQ(get("/coded.css", {{"Accept-Encoding", "br, gzip"}}).body, "plain");
  EXPECT_FALSE(get("/coded.css").has("Vary"));
  fs::remove(files_ / "coded.css");
  EXPECT_EQ(get("/coded.css").status, 404);
  EXPECT_EQ(get("/docs/").body, "docs");
  fs::rename(files_ / "docs", files_ / "other");
  EXPECT_EQ(get("/docs/").status, 404);
  fs::rename(files_ / "other", files_ / "docs");
  EXPECT_EQ(get("/docs/").body, "docs");
}

TEST_F(StaticCacheTest, FollowsNoLinkThatLeadsOutThoughItsFileIsKnown) {
  const support::TemporaryDirectory outside;
  EXPECT_EQ(get("/docs/").body, "docs");
  fs::rename(files_ / "docs", outside / "docs");
  fs::create_directory_symlink(outside / "docs", files_ / "docs");
  scene_.pass(os::FileCache::kLifetime);
  EXPECT_EQ(get("/docs/").status, 403);
}

TEST_F(StaticCacheTest, SendsASlowClientWhatItBeganWith) {
  get("/kept.txt");
  auto& call = scene_.call({.target = "/kept.txt"});
  EXPECT_EQ(call.response.body.size(), support::CapturedResponse::kRoom);
  files_.write("kept.txt", "other");
  EXPECT_EQ(get("/kept.txt").body, "other");
  while (!call.response.is_complete) call.make_room(1000);
  EXPECT_TRUE(call.response.body == bytes_.substr(1));
}

}  // namespace
}  // namespace viaduct::action

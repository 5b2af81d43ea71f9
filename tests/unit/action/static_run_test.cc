// SPDX-License-Identifier: Apache-2.0
#include "action/static_run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "support/exchange_scene.h"
#include "support/multipart.h"
#include "support/temporary_directory.h"

namespace viaduct::action {
namespace {

using namespace std::chrono_literals;
using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

constexpr std::string_view kPage = "<h1>page</h1>";
constexpr std::string_view kDigits = "0123456789";

// A root with files, links and traps.
class StaticRunTest : public testing::Test {
 protected:
  StaticRunTest() {
    files_.write("www/index.html", kPage);
    files_.write("www/docs/index.html", "docs");
    files_.write("www/empty/file.txt", "");
    files_.write("www/digits.txt", kDigits);
    files_.write("www/MP_verify_x.txt", "verify");
    files_.write("www/style.css", "css css css");
    files_.write("www/.env", "secret");
    files_.write("www/.well-known/security.txt", "contact");
    files_.write("secret.txt", "outside");
    std::filesystem::create_symlink(files_ / "secret.txt", files_ / "www/out.txt");
    std::filesystem::create_symlink("digits.txt", files_ / "www/in.txt");
  }

  void serve(config::StaticAction action = {}, const std::optional<config::Rewrite>& rewrite = std::nullopt) {
    action.root = files_ / "www";
    auto made = StaticFile::make(action, rewrite);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    scene_.add_route().action = std::move(*made);
    scene_.site().routes.back().action = action;
  }
  support::ExchangeScene::Call& get(std::string_view target, const Fields& fields = {},
                                    std::string_view method = "GET") {
    return scene_.call({.method = method, .target = target, .fields = fields});
  }
  std::string outcome(std::string_view target, const Fields& fields = {}, std::string_view method = "GET") {
    const auto& response = get(target, fields, method).response;
    return std::to_string(response.status) + " " + response.body;
  }

  support::TemporaryDirectory files_;
  support::ExchangeScene scene_;
};

TEST_F(StaticRunTest, ServesFilesAndIndexFilesByteForByte) {
  serve();
  EXPECT_EQ(outcome("/digits.txt"), "200 0123456789");
  EXPECT_EQ(outcome("/"), "200 <h1>page</h1>");
  EXPECT_EQ(outcome("/docs/"), "200 docs");
  EXPECT_EQ(outcome("/MP_verify_x.txt"), "200 verify");
  EXPECT_EQ(outcome("/empty/file.txt"), "200 ");
  EXPECT_EQ(outcome("/.well-known/security.txt"), "200 contact");
  EXPECT_EQ(outcome("/in.txt"), "200 0123456789") << "a link that stays below the root";
}

TEST_F(StaticRunTest, ServesAnotherDirectoryUnderThePathOfAnOldOne) {
  for (const auto& [from, to] : {std::pair{"/old", "/docs"}, std::pair{"/old/", "/docs/"}, std::pair{"/old/", "/docs"},
                                 std::pair{"/old", "/docs/"}}) {
    support::ExchangeScene scene;
    config::StaticAction action;
    action.root = files_ / "www";
    auto made = StaticFile::make(action, config::ReplacePrefix{from, to});
    scene.add_route().action = std::move(*made);
    EXPECT_EQ(scene.call("GET", "/old/").response.body, "docs") << from << " " << to;
    EXPECT_EQ(scene.call("GET", "/old/index.html").response.body, "docs") << from << " " << to;
  }
  serve({}, config::ReplacePrefix{"/old.txt", "/digits.txt"});
  EXPECT_EQ(outcome("/old.txt"), "200 0123456789");
  EXPECT_EQ(get("/old.txt/").response.status, 404);
}

TEST_F(StaticRunTest, SaysWhatTheFileIs) {
  config::StaticAction action;
  action.expires = 1h;
  action.immutable = true;
  serve(action);
  const auto& response = get("/style.css").response;
  EXPECT_EQ(response.field("Content-Type"), "text/css; charset=utf-8");
  EXPECT_EQ(response.field("Cache-Control"), "max-age=3600, immutable");
  EXPECT_EQ(response.field("Accept-Ranges"), "bytes");
  EXPECT_EQ(response.body_size.bytes, 11u);
  EXPECT_TRUE(response.has("ETag"));
  EXPECT_TRUE(response.has("Last-Modified"));
  EXPECT_FALSE(response.has("Vary"));
}

TEST_F(StaticRunTest, RefusesWhatIsNotThereOrNotForAnyone) {
  serve();
  struct Row {
    std::string_view target;
    int status;
  };
  for (const Row& row : {Row{"/missing", 404}, Row{"/digits.txt/", 404}, Row{"/digits.txt/x", 404}, Row{"/.env", 404},
                         Row{"/docs/.env", 404}, Row{"/out.txt", 403}, Row{"/empty/", 403}, Row{"/a%00b", 400},
                         Row{"/%ff", 400}, Row{"/a%0d%0ab", 400}}) {
    const auto& response = get(row.target).response;
    EXPECT_EQ(response.status, row.status) << row.target;
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
    EXPECT_EQ(response.body.find("outside"), std::string::npos);
  }
}

TEST_F(StaticRunTest, TakesOnlyGetAndHead) {
  serve();
  for (const std::string_view method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const auto& response = get("/digits.txt", {}, method).response;
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.field("Allow"), "GET, HEAD");
  }
  const auto& head = get("/digits.txt", {}, "HEAD").response;
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body_size.bytes, 10u);
  EXPECT_TRUE(head.body.empty());
  EXPECT_TRUE(head.is_complete);
}

TEST_F(StaticRunTest, RedirectsADirectoryToItsSlashAndNowhereElse) {
  serve();
  EXPECT_EQ(get("/docs").response.status, 301);
  EXPECT_EQ(get("/docs").response.field("Location"), "/docs/");
  EXPECT_EQ(get("/docs?a=1").response.field("Location"), "/docs/?a=1");
  EXPECT_EQ(get("//docs").response.field("Location"), "/docs/") << "never another host";
}

TEST_F(StaticRunTest, GivesTheFallbackToPagesAlone) {
  config::StaticAction action;
  action.fallback = "/index.html";
  action.expires = 1h;
  action.immutable = true;
  serve(action);
  const Fields browser = {{"Accept", "text/html,*/*;q=0.8"}};
  const auto& page = get("/orders/7", browser).response;
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body, kPage);
  EXPECT_EQ(page.field("Cache-Control"), "no-cache");
  EXPECT_EQ(outcome("/orders/7", browser, "HEAD"), "200 ");
  EXPECT_EQ(get("/orders/7").response.status, 404) << "nobody asked for a page";
  EXPECT_EQ(get("/orders/7", {{"Accept", "application/json"}}).response.status, 404);
  EXPECT_EQ(get("/missing.js", browser).response.status, 404) << "looks like a file";
  EXPECT_EQ(get("/.env", browser).response.status, 404);
  EXPECT_EQ(get("/orders/7", browser, "POST").response.status, 405);
}

TEST_F(StaticRunTest, AnswersConditionsWithoutABody) {
  serve();
  const auto& first = get("/digits.txt").response;
  const std::string etag = first.field("ETag");
  const std::string modified = first.field("Last-Modified");
  EXPECT_EQ(outcome("/digits.txt", {{"If-None-Match", etag}}), "304 ");
  EXPECT_EQ(get("/digits.txt", {{"If-None-Match", etag}}).response.field("ETag"), etag);
  EXPECT_EQ(outcome("/digits.txt", {{"If-None-Match", "\"other\""}}), "200 0123456789");
  EXPECT_EQ(outcome("/digits.txt", {{"If-Modified-Since", modified}}), "304 ");
  EXPECT_EQ(get("/digits.txt", {{"If-Match", "\"other\""}}).response.status, 412);
  EXPECT_EQ(outcome("/digits.txt", {{"If-Match", etag}}), "200 0123456789");
}

TEST_F(StaticRunTest, SendsOneRange) {
  serve();
  const auto& part = get("/digits.txt", {{"Range", "bytes=2-4"}}).response;
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(part.field("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(outcome("/digits.txt", {{"Range", "bytes=-3"}}), "206 789");
  EXPECT_EQ(outcome("/digits.txt", {{"Range", "bytes=7-"}}), "206 789");
  EXPECT_EQ(outcome("/digits.txt", {{"Range", "lines=1-2"}}), "200 0123456789");
  EXPECT_EQ(outcome("/digits.txt", {{"Range", "bytes=2-4"}, {"If-Range", "\"old\""}}), "200 0123456789");
  const auto& none = get("/digits.txt", {{"Range", "bytes=10-"}}).response;
  EXPECT_EQ(none.status, 416);
  EXPECT_EQ(none.field("Content-Range"), "bytes */10");
}

TEST_F(StaticRunTest, SendsSeveralRangesAsParts) {
  serve();
  const auto& parts = get("/digits.txt", {{"Range", "bytes=0-1,8-9"}, {"X-Request-ID", "mine"}}).response;
  EXPECT_EQ(parts.status, 206);
  EXPECT_GE(support::boundary_of(parts).size(), 16U) << parts.field("Content-Type");
  EXPECT_EQ(support::body_with_cuts(parts),
            "--cut\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-1/10\r\n\r\n01"
            "\r\n--cut\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 8-9/10\r\n\r\n89"
            "\r\n--cut--\r\n");
  EXPECT_EQ(parts.body_size.bytes, parts.body.size());
}

TEST_F(StaticRunTest, PrefersPrecompressedVariantsThatAreNotOlder) {
  files_.write("www/style.css.br", "brotli");
  files_.write("www/style.css.gz", "gzip");
  serve();
  const auto& brotli = get("/style.css", {{"Accept-Encoding", "gzip, br"}}).response;
  EXPECT_EQ(brotli.body, "brotli");
  EXPECT_EQ(brotli.field("Content-Encoding"), "br");
  EXPECT_EQ(brotli.field("Content-Type"), "text/css; charset=utf-8");
  EXPECT_EQ(brotli.field("Vary"), "Accept-Encoding");
  EXPECT_EQ(outcome("/style.css", {{"Accept-Encoding", "gzip"}}), "200 gzip");
  const auto& plain = get("/style.css").response;
  EXPECT_EQ(plain.body, "css css css");
  EXPECT_EQ(plain.field("Vary"), "Accept-Encoding") << "caches must know of the others";
  EXPECT_NE(plain.field("ETag"), brotli.field("ETag"));
  std::filesystem::last_write_time(files_ / "www/style.css.br", std::filesystem::file_time_type::clock::now() - 24h);
  EXPECT_EQ(outcome("/style.css", {{"Accept-Encoding", "br"}}), "200 css css css");
}

TEST_F(StaticRunTest, SendsALargeFileOnlyAsFastAsTheClientTakesIt) {
  std::string large;
  for (int i = 0; i < 300'000; ++i) large += static_cast<char>('a' + i % 23);
  files_.write("www/large.bin", large);
  serve();
  scene_.drains = false;
  auto& call = get("/large.bin");
  EXPECT_EQ(call.response.body.size(), support::CapturedResponse::kRoom);
  EXPECT_LE(scene_.loop.chunks().chunks_in_use(), 2u);
  while (!call.response.is_complete) call.make_room(10'000);
  EXPECT_EQ(call.response.body, large);
}

TEST_F(StaticRunTest, CutsTheAnswerWhenTheFileShrinks) {
  files_.write("www/large.bin", std::string(200'000, 'x'));
  serve();
  scene_.drains = false;
  auto& call = get("/large.bin");
  ASSERT_EQ(::truncate((files_ / "www/large.bin").c_str(), 70'000), 0);
  call.make_room(100'000);
  if (!call.response.is_reset) call.make_room(100'000);
  EXPECT_TRUE(call.response.is_reset);
  EXPECT_FALSE(call.response.is_complete);
}

}  // namespace
}  // namespace viaduct::action

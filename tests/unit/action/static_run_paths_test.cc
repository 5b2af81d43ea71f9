// SPDX-License-Identifier: Apache-2.0
// Which files a static route gives, and which it never does: every spelling of a way out of the root, hidden files,
// things that are no files, and the fallback page that must not pass for an upstream's answer.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "action/proxy.h"
#include "action/static_run.h"
#include "support/exchange_scene.h"
#include "support/routing.h"

namespace viaduct::action {
namespace {

class StaticPathsTest : public testing::Test {
 protected:
  StaticPathsTest() {
    files_.write("secret.txt", "outside");
    files_.write("www/index.html", "page");
    files_.write("www/a b.txt", "blank");
    files_.write("www/支付.txt", "pay");
    files_.write("www/dir/file.txt", "file");
    files_.write("www/dir/second.html", "second");
    files_.write("www/bare/file.txt", "file");
    files_.write("www/.git/config", "hidden");
    files_.write("www/dir/.env", "hidden");
    std::filesystem::create_directory_symlink(files_.path(), files_ / "www/up");
    std::filesystem::create_symlink("loop", files_ / "www/loop");
    EXPECT_EQ(::mkfifo((files_ / "www/fifo").c_str(), S_IRUSR | S_IWUSR), 0);
  }

  void serve(config::Route route, config::StaticAction action = {}) {
    action.root = files_ / "www";
    auto made = StaticFile::make(action, route.rewrite);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    route.action = action;
    scene_.add_route(std::move(route)).action = std::move(*made);
  }
  void serve(config::StaticAction action = {}) {
    serve(support::make_route("pages", support::prefix("/")), std::move(action));
  }
  void serve_with_fallback() {
    config::StaticAction action;
    action.fallback = "/index.html";
    serve(std::move(action));
  }
  // A route whose upstream nobody will reach.
  void forward(config::Match match) {
    if (scene_.config.upstreams.empty()) {
      scene_.config.upstreams.emplace_back().name = "app";
      scene_.config.upstreams[0].servers.emplace_back().host = "127.0.0.1";
    }
    scene_.add_route(support::make_route("api", std::move(match))).action = std::make_unique<ProxyAction>(0);
  }
  support::CapturedResponse& get(std::string_view target, std::string_view accept = "text/html") {
    return scene_.call({.target = target, .fields = {{"Accept", accept}}}).response;
  }

  support::TemporaryDirectory files_;
  support::ExchangeScene scene_;
};

TEST_F(StaticPathsTest, LetsNobodyOutOfTheRootByAnySpelling) {
  serve();
  for (const std::string_view target : {"/../secret.txt",
                                        "/%2e%2e/secret.txt",
                                        "/.%2e/secret.txt",
                                        "/%2E%2E%2Fsecret.txt",
                                        "/..%2fsecret.txt",
                                        "/dir/../../secret.txt",
                                        "/dir/%2e%2e/%2e%2e/secret.txt",
                                        "/dir/..%2f..%2fsecret.txt",
                                        "/..%5csecret.txt",
                                        "/..\\secret.txt",
                                        "/dir\\..\\..\\secret.txt",
                                        "//../secret.txt",
                                        "/./../secret.txt",
                                        "/%252e%252e/secret.txt",
                                        "/..;/secret.txt",
                                        "/%c0%ae%c0%ae/secret.txt",
                                        "/up/secret.txt",
                                        "/up/",
                                        "/up",
                                        "/dir/file.txt/../../../secret.txt",
                                        "/\xe2\x80\xa5/secret.txt",
                                        "/....//secret.txt",
                                        "/../www/../secret.txt",
                                        "/%00/../secret.txt"}) {
    const support::CapturedResponse& response = get(target);
    EXPECT_GE(response.status, 400) << target;
    EXPECT_EQ(response.body.find("outside"), std::string::npos) << target;
  }
}

TEST_F(StaticPathsTest, ShowsNoHiddenFileByAnySpelling) {
  serve_with_fallback();
  for (const std::string_view target :
       {"/.git/config", "/.git/", "/.git", "/%2egit/config", "/.%67it/config", "/dir/.env", "/dir/%2Eenv",
        "//.git/config", "/dir/../.git/config", "/./.git/config"}) {
    const support::CapturedResponse& response = get(target);
    EXPECT_GE(response.status, 400) << target;
    EXPECT_EQ(response.body.find("hidden"), std::string::npos) << target;
  }
}

TEST_F(StaticPathsTest, FindsNamesThatAreEscaped) {
  serve();
  EXPECT_EQ(get("/a%20b.txt").body, "blank");
  EXPECT_EQ(get("/%E6%94%AF%e4%bb%98.txt").body, "pay");
  EXPECT_EQ(get("/支付.txt").body, "pay");
  EXPECT_EQ(get("/dir/./file.txt").body, "file");
  EXPECT_EQ(get("/bare/../dir/file.txt").body, "file");
  EXPECT_EQ(get("/dir%2Ffile.txt").body, "file");
}

TEST_F(StaticPathsTest, GivesNothingThatIsNoFile) {
  serve();
  EXPECT_EQ(get("/fifo").status, 403);
  EXPECT_EQ(get("/loop").status, 403);
  EXPECT_EQ(get("/" + std::string(300, 'x')).status, 404);  // longer than a name may be
  EXPECT_EQ(get("/bare/").status, 403);                     // no listing
  EXPECT_EQ(get("/none/").status, 404);
  scene_.turn();
  EXPECT_EQ(scene_.log(),
            "403 static_forbidden|403 static_forbidden|404 static_not_found|403 static_forbidden|404 static_not_found");
}

TEST_F(StaticPathsTest, TriesIndexFilesInTheirOrder) {
  config::StaticAction action;
  action.index = {"first.html", "second.html", "file.txt"};
  serve(std::move(action));
  EXPECT_EQ(get("/dir/").body, "second");
  EXPECT_EQ(get("/bare/").body, "file");
}

TEST_F(StaticPathsTest, SendsADirectoryToItsSlashWithEscapesInPlace) {
  files_.write("www/über uns/index.html", "x");
  serve();
  const support::CapturedResponse& response = get("/%C3%BCber%20uns?a=%20");
  EXPECT_EQ(response.status, 301);
  EXPECT_EQ(response.field("Location"), "/%C3%BCber%20uns/?a=%20");
}

TEST_F(StaticPathsTest, StripsAPrefixWithoutLosingTheSlashOfADirectory) {
  config::StaticAction action;
  action.strip_prefix = "/app";
  serve(support::make_route("app", support::prefix("/app")), std::move(action));
  EXPECT_EQ(get("/app/").body, "page");
  EXPECT_EQ(get("/app").field("Location"), "/app/");
  EXPECT_EQ(get("/app/dir").field("Location"), "/app/dir/");
  EXPECT_EQ(get("/app/dir/file.txt").body, "file");
  EXPECT_EQ(get("/app/../secret.txt").status, 400);  // this route or none
}

// ---- the fallback page ----------------------------------------------------------------------------------------------

TEST_F(StaticPathsTest, GivesTheFallbackForDirectoriesWithoutAPageToo) {
  serve_with_fallback();
  EXPECT_EQ(get("/bare/").body, "page");
  EXPECT_EQ(get("/none/").body, "page");
  EXPECT_EQ(get("/a.b/none").body, "page");  // it is the last segment that counts
}

TEST_F(StaticPathsTest, GivesTheFallbackToWhoTakesPagesAlone) {
  serve_with_fallback();
  struct Row {
    std::string_view accept;
    int status;
  };
  for (const Row& row :
       {Row{"text/html", 200}, Row{"application/xhtml+xml", 200}, Row{"text/*", 200}, Row{"text/html;q=0.1, */*", 200},
        Row{"*/*", 404}, Row{"", 404}, Row{"text/html;q=0", 404}, Row{"application/json", 404}, Row{"image/*", 404}}) {
    EXPECT_EQ(get("/none", row.accept).status, row.status) << row.accept;
  }
}

// A page with status 200 would pass for the answer of the payment interface.
TEST_F(StaticPathsTest, NeverPassesForTheAnswerOfAnUpstream) {
  forward(support::prefix("/api/v1/", {"POST"}));
  forward(support::exact("/notify", {"POST"}));
  serve_with_fallback();
  for (const std::string_view target : {"/api/v1/order", "/api/v1/", "/api/v1/none", "/notify"}) {
    const support::CapturedResponse& response = get(target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_EQ(response.body.find("page"), std::string::npos) << target;
  }
  for (const std::string_view target : {"/api/v2/order", "/notified", "/apis", "/api/v1"}) {
    EXPECT_EQ(get(target).body, "page") << target;
  }
}

TEST_F(StaticPathsTest, Answers404WhereTheFallbackItselfIsMissing) {
  config::StaticAction action;
  action.fallback = "/none.html";
  serve(std::move(action));
  EXPECT_EQ(get("/anything").status, 404);
}

TEST_F(StaticPathsTest, SaysOfTheFallbackThatItMustBeAskedForAnew) {
  config::StaticAction action;
  action.fallback = "/index.html";
  action.expires = std::chrono::hours(24);
  action.immutable = true;
  serve(std::move(action));
  EXPECT_EQ(get("/index.html").field("Cache-Control"), "max-age=86400, immutable");
  EXPECT_EQ(get("/none").field("Cache-Control"), "no-cache");
  EXPECT_FALSE(get("/none.js").field("Cache-Control").find("immutable") != std::string::npos);
}

}  // namespace
}  // namespace viaduct::action

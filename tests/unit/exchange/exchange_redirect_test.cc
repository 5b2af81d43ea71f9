// SPDX-License-Identifier: Apache-2.0
// redirect_to_https: whom the exchange redirects, where to, and whom it spares.
#include <gtest/gtest.h>

#include "exchange/exchange.h"
#include "support/exchange_scene.h"
#include "support/recording_action.h"
#include "support/routing.h"

namespace viaduct::exchange {
namespace {

using Call = support::ExchangeScene::Call;

class ExchangeRedirectTest : public testing::Test {
 protected:
  ExchangeRedirectTest() { scene_.client.redirect_to_https = true; }

  void add_route(config::Route route) {
    scene_.add_route(std::move(route)).action = std::make_unique<support::RecordingAction>(script_);
  }
  void add_route() { scene_.add_route().action = std::make_unique<support::RecordingAction>(script_); }

  support::ActionScript script_;
  support::ExchangeScene scene_;
};

TEST_F(ExchangeRedirectTest, RedirectsToHttpsWhatIsServedThere) {
  scene_.client.https_port = 8443;
  add_route(support::make_route("post", support::exact("/post", {"POST"})));
  for (const std::string_view target : {"/post?a=%2F", "/nowhere"}) {
    Call& call = scene_.call("GET", target);
    EXPECT_EQ(call.response.status, 308);
    EXPECT_EQ(call.response.field("Location"), "https://host.test:8443" + std::string(target));
    EXPECT_EQ(call.response.body, "");
  }
  EXPECT_EQ(scene_.call("POST", "/post").response.status, 308);
  EXPECT_EQ(script_.begun, 0);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "308 -|308 -|308 -");
}

TEST_F(ExchangeRedirectTest, SparesProofsAndCallbacksTheRedirect) {
  config::Route notify = support::make_route("notify", support::exact("/notify"));
  notify.callback = config::CallbackProvider::kGeneric;
  add_route(std::move(notify));
  add_route();
  for (const std::string_view target :
       {"/notify", "/.well-known/acme-challenge/token", "/MP_verify_abc.txt", "/below/MP_verify_abc.txt"}) {
    EXPECT_EQ(scene_.call("GET", target).response.status, 200) << target;
  }
  for (const std::string_view target : {"/notify/", "/.well-known/other", "/MP_verify_abc.html", "/MP_verify_"}) {
    EXPECT_EQ(scene_.call("GET", target).response.status, 308) << target;
  }
}

TEST_F(ExchangeRedirectTest, RefusesRatherThanRedirects) {
  scene_.site().is_default = false;
  scene_.site().deny = {"/denied"};
  add_route();
  EXPECT_EQ(scene_.call("GET", "/denied").response.status, 403);
  EXPECT_EQ(scene_.call("GET", "/%zz").response.status, 400);
  EXPECT_EQ(scene_.call({.authority = "unknown.test"}).response.status, 421);
}

TEST_F(ExchangeRedirectTest, DoesNotRedirectWhoSpeaksTlsAlready) {
  net::TlsInfo tls;
  tls.version = "TLSv1.3";
  scene_.client.tls = &tls;
  add_route();
  EXPECT_EQ(scene_.call("GET", "/").response.status, 200);
  EXPECT_EQ(script_.exchange->scheme(), "https");
}

// HTTP/1.0 knows no Host: the default site is the one that is meant (PRODUCT "Which route a request takes").
TEST_F(ExchangeRedirectTest, RedirectsWhoNamesNoHostToTheSite) {
  add_route();
  Call& call = scene_.call({.target = "/x", .authority = "", .version = http::Version::kHttp10});
  EXPECT_EQ(call.response.status, 308);
  EXPECT_EQ(call.response.field("Location"), "https://host.test/x");
}

TEST_F(ExchangeRedirectTest, RefusesWhoNamesNoHostWhereTheSiteHasNoNameOfItsOwn) {
  scene_.site().hosts = {"*.host.test"};
  add_route();
  Call& call = scene_.call({.target = "/x", .authority = "", .version = http::Version::kHttp10});
  EXPECT_EQ(call.response.status, 400);
  scene_.turn();
  EXPECT_EQ(scene_.log(), "400 missing_host");
}

}  // namespace
}  // namespace viaduct::exchange

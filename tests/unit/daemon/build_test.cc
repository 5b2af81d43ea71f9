// SPDX-License-Identifier: Apache-2.0
#include "daemon/build.h"

#include <gtest/gtest.h>

#include "action/proxy.h"
#include "action/redirect.h"
#include "action/respond.h"
#include "action/static_file.h"
#include "filter/allow_list.h"
#include "filter/client_certificate.h"
#include "filter/cors.h"
#include "filter/edit_fields.h"
#include "filter/forwarded.h"
#include "filter/rate_limit.h"
#include "filter/rewrite.h"
#include "support/cert_sites.h"
#include "support/config_load.h"
#include "support/tls_ends.h"
#include "upstream/upstream.h"

namespace viaduct::daemon {
namespace {

const base::WallTime kNow = std::chrono::system_clock::now();

class BuildTest : public testing::Test {
 protected:
  BuildResult build(const config::Config& config) { return build_snapshot(config, 7, ticket_keys_, kNow); }
  // A snapshot without problems.
  exchange::SnapshotRef snapshot_of(const config::Config& config) {
    BuildResult built = build(config);
    for (const config::Problem& problem : built.problems) ADD_FAILURE() << problem.key << ": " << problem.message;
    EXPECT_NE(built.snapshot, nullptr);
    return built.snapshot;
  }
  // "key: message" of each problem, joined by "|".
  std::string problems_of(const config::Config& config) {
    const BuildResult built = build(config);
    EXPECT_EQ(built.snapshot == nullptr, config::has_errors(built.problems));
    std::string text;
    for (const config::Problem& problem : built.problems) {
      text += (text.empty() ? "" : "|") + problem.key + ": " + problem.message;
    }
    return text;
  }

  tls::TicketKeys ticket_keys_;
};

template <typename Wanted>
bool is(const auto& made) {
  return dynamic_cast<const Wanted*>(made.get()) != nullptr;
}

// ---- what becomes of a config ---------------------------------------------------------------------------------------

// Who has used up what a route grants does not get it back by a reload.
TEST_F(BuildTest, GoesOnCountingWhereRatesStayAsTheyAre) {
  const auto config_of = [](const std::string& first, const std::string& second) {
    return support::config_of(support::with_routes(
        "      - { name: a, match: { prefix: /a }, upstream: app, rate_limit: { rate: " + first +
        " } }\n      - { name: b, match: { prefix: /b }, upstream: app, rate_limit: { rate: " + second + " } }\n"));
  };
  const auto limit_of = [](const exchange::Snapshot& snapshot, std::string_view name) {
    for (const exchange::RoutePlan& plan : snapshot.plans) {
      if (plan.route->name == name) return plan.filters.front().get();
    }
    return static_cast<const exchange::Filter*>(nullptr);
  };
  const auto before = snapshot_of(*config_of("1/s", "1/s"));
  ASSERT_TRUE(is<filter::RateLimit>(before->plans[0].filters.front()));
  const BuildResult built = build_snapshot(*config_of("1/s", "2/s"), 8, ticket_keys_, kNow, before.get());
  ASSERT_NE(built.snapshot, nullptr);
  EXPECT_EQ(limit_of(*built.snapshot, "a"), limit_of(*before, "a"));
  EXPECT_NE(limit_of(*built.snapshot, "b"), limit_of(*before, "b"));
}

TEST_F(BuildTest, MakesTheActionOfEveryRoute) {
  const support::TemporaryDirectory directory;
  const auto config = support::config_of(
      support::with_routes("      - { match: { prefix: /proxy }, upstream: app }\n"
                           "      - { match: { prefix: /static }, static: { root: . } }\n"
                           "      - { match: { prefix: /redirect }, redirect: { to: 'https://${host}/' } }\n"
                           "      - { match: { prefix: /respond }, respond: { body: ok } }\n"),
      directory.path());
  const exchange::SnapshotRef snapshot = snapshot_of(*config);
  ASSERT_EQ(snapshot->plans.size(), 4u);
  EXPECT_TRUE(is<action::ProxyAction>(snapshot->plans[0].action));
  EXPECT_TRUE(is<action::StaticFile>(snapshot->plans[1].action));
  EXPECT_TRUE(is<action::Redirect>(snapshot->plans[2].action));
  EXPECT_TRUE(is<action::Respond>(snapshot->plans[3].action));
  EXPECT_EQ(snapshot->version, 7u);
  EXPECT_EQ(snapshot->certificates, nullptr);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(snapshot->plans[i].route, &snapshot->config->sites[0].routes[i]);
}

TEST_F(BuildTest, KeepsItsOwnCopyOfTheConfig) {
  auto config = support::config_of(support::with_top(""));
  const exchange::SnapshotRef snapshot = snapshot_of(*config);
  config.reset();
  EXPECT_EQ(snapshot->config->sites[0].hosts[0], "www.example.com");
  EXPECT_EQ(snapshot->plans[0].route->match.prefix[0], "/");
}

TEST_F(BuildTest, PutsTheFiltersIntoTheirOrder) {
  const auto config =
      support::config_of(support::with_routes("      - match: { prefix: /a }\n"
                                              "        upstream: app\n"
                                              "        rewrite: { strip_prefix: /a }\n"
                                              "        headers: { request: { set: { X-A: b } } }\n"
                                              "        cors: { allow_origins: ['https://a.test'] }\n"
                                              "        allow: { addresses: [10.0.0.0/8], mode: enforce }\n"
                                              "      - { match: { prefix: /plain }, upstream: app }\n"
                                              "      - { match: { prefix: /respond }, respond: { body: ok } }\n"));
  const exchange::SnapshotRef snapshot = snapshot_of(*config);
  const auto& filters = snapshot->plans[0].filters;
  ASSERT_EQ(filters.size(), 5u);
  EXPECT_TRUE(is<filter::AllowList>(filters[0]));
  EXPECT_TRUE(is<filter::Cors>(filters[1]));
  EXPECT_TRUE(is<filter::Forwarded>(filters[2]));
  EXPECT_TRUE(is<filter::EditFields>(filters[3]));
  EXPECT_TRUE(is<filter::Rewrite>(filters[4]));
  ASSERT_EQ(snapshot->plans[1].filters.size(), 1u);
  EXPECT_TRUE(is<filter::Forwarded>(snapshot->plans[1].filters[0]));
  EXPECT_TRUE(snapshot->plans[2].filters.empty());  // nobody is told where it came from
}

TEST_F(BuildTest, TellsUpstreamsOfCertificatesWhereTheSiteAsksForThem) {
  const auto config =
      support::config_of(support::with_routes("      - match: { prefix: / }\n"
                                              "        upstream: app\n"
                                              "        headers: { request: { remove: [Client-Cert] } }\n"
                                              "      - { match: { prefix: /respond }, respond: { body: ok } }\n"));
  config->sites[0].client_ca = "/ca.pem";
  const exchange::SnapshotRef snapshot = snapshot_of(*config);
  const auto& filters = snapshot->plans[0].filters;
  ASSERT_EQ(filters.size(), 3u);
  EXPECT_TRUE(is<filter::ClientCertificate>(filters[1]));
  EXPECT_TRUE(is<filter::EditFields>(filters[2]));  // so that the config can have it removed
  EXPECT_TRUE(snapshot->plans[1].filters.empty());
}

TEST_F(BuildTest, LetsAStaticRouteLookItsRewrittenPathUpItself) {
  const support::TemporaryDirectory directory;
  const auto config = support::config_of(
      support::with_routes("      - { match: { prefix: /a }, static: { root: . }, rewrite: { strip_prefix: /a } }\n"),
      directory.path());
  EXPECT_TRUE(snapshot_of(*config)->plans[0].filters.empty());
}

TEST_F(BuildTest, CountsRoutesThroughAllSites) {
  const auto config =
      support::config_of(support::with_routes("      - { match: { prefix: / }, upstream: app }\n"
                                              "  - hosts: [other.example.com]\n"
                                              "    routes:\n"
                                              "      - { match: { prefix: / }, upstream: app }\n"));
  const exchange::SnapshotRef snapshot = snapshot_of(*config);
  ASSERT_EQ(snapshot->plans.size(), 2u);
  EXPECT_EQ(snapshot->plans[1].route, &snapshot->config->sites[1].routes[0]);
}

// ---- what is wrong with it ------------------------------------------------------------------------------------------

TEST_F(BuildTest, NamesWhatIsWrongAndWhereAllAtOnce) {
  auto config =
      support::config_of(support::with_routes("      - { match: { prefix: /a }, upstream: app }\n"
                                              "      - { match: { prefix: /b }, upstream: app }\n"
                                              "      - { match: { prefix: /c }, upstream: app }\n"));
  std::vector<config::Route>& routes = config->sites[0].routes;
  routes[0].match.regex = {"["};
  routes[0].rewrite = config::ReplaceRegex{.pattern = "(", .replacement = ""};
  routes[1].action = config::RedirectAction{.to = "${nonsense}", .status = 302};
  config::StaticAction action;
  action.root = "/nonexistent/root";
  routes[2].action = action;
  config->upstreams[0].servers[0].tls = true;
  config->upstreams[0].tls.ca = "/nonexistent/ca.pem";
  config->upstreams[0].tls.cert = "/nonexistent/cert.pem";
  config->upstreams[0].tls.key = "/nonexistent/key.pem";
  config->access_log.format = config::AccessFormat::kTemplate;
  config->access_log.line_template = "${nonsense}";
  const BuildResult built = build(*config);
  EXPECT_EQ(built.snapshot, nullptr);
  std::vector<std::string> keys;
  for (const config::Problem& problem : built.problems) {
    keys.push_back(problem.key);
    EXPECT_EQ(problem.severity, config::Severity::kError);
    EXPECT_FALSE(problem.message.empty());
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"sites[0].routes[0].match.regex[0]", "sites[0].routes[0].rewrite.regex[0]",
                                            "sites[0].routes[1].redirect.to", "sites[0].routes[2].static.root",
                                            "logs.access.format", "upstreams.app.tls.ca", "upstreams.app.tls.cert"}));
}

TEST_F(BuildTest, NamesEveryRegularExpressionThatIsNone) {
  auto config = support::config_of(support::with_top(""));
  config->sites[0].routes[0].match.regex = {"^/ok", "(", "[z-a]"};
  const std::string problems = problems_of(*config);
  EXPECT_TRUE(problems.starts_with("sites[0].routes[0].match.regex[1]: `(` is no regular expression: ")) << problems;
  EXPECT_NE(problems.find("|sites[0].routes[0].match.regex[2]: `[z-a]` is no regular expression: "), std::string::npos);
}

// config/ knows no regular expressions.
TEST_F(BuildTest, RefusesAnExactPathThatTheRegexOfACallbackFinds) {
  const auto of = [this](const std::string& match) {
    return problems_of(*support::config_of(support::with_routes(
        "      - { name: pay, match: { regex: '^/pay/[a-z]+$' }, callback: generic, upstream: app }\n"
        "      - { match: { " +
        match + " }, upstream: app }\n")));
  };
  EXPECT_EQ(of("exact: [/pay/1, /pay/old]"),
            "sites[0].routes[1].match.exact: /pay/old is found by the regex of the callback route \"pay\", and this "
            "route takes its requests first; give this one methods that the callback does not take, or the callback "
            "exact paths");
  EXPECT_EQ(of("exact: /pay/1"), "");
  EXPECT_EQ(of("exact: /pay/old, methods: [GET]"), "");
  EXPECT_EQ(of("prefix: /pay/old"), "");
}

TEST_F(BuildTest, RefusesARegexThatAStaticRouteCannotFollow) {
  const support::TemporaryDirectory directory;
  auto config = support::config_of(support::with_routes("      - { match: { prefix: /a }, static: { root: . } }\n"),
                                   directory.path());
  config->sites[0].routes[0].rewrite = config::ReplaceRegex{.pattern = "a", .replacement = "b"};
  EXPECT_NE(problems_of(*config).find("use strip_prefix or prefix"), std::string::npos);
}

// What check passes, starts: a worker could not keep count of more.
TEST_F(BuildTest, RefusesMoreServersThanAWorkerCanCount) {
  auto config = support::config_of(support::with_top(""));
  config->upstreams[0].servers.resize(upstream::Upstream::kServersMax);
  snapshot_of(*config);
  config->upstreams[0].servers.resize(upstream::Upstream::kServersMax + 1);
  EXPECT_EQ(problems_of(*config),
            "upstreams.app.servers: 257 servers, 256 are allowed; make two upstreams of them, or put them behind fewer "
            "addresses");
}

// ---- certificates ---------------------------------------------------------------------------------------------------

class BuildCertificatesTest : public BuildTest {
 protected:
  std::unique_ptr<config::Config> with_certificate(const tls::PemPair& pair) {
    auto config = support::config_of(support::with_top(""));
    config->listeners[0].tls = true;
    config->sites[0].certificates = {files_.write("site", pair)};
    return config;
  }

  support::CertSites files_;
};

TEST_F(BuildCertificatesTest, HideNoFileOfAuthoritiesThatIsBroken) {
  const auto config = with_certificate({.cert = "broken", .key = "broken"});
  config->sites[0].client_ca = config->sites[0].certificates[0].client_ca = files_.directory().write("ca.pem", "none");
  const BuildResult built = build(*config);
  std::vector<std::string> keys;
  for (const config::Problem& problem : built.problems) keys.push_back(problem.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"sites[0].tls.cert", "sites[0].tls[0].client_ca"}));
}

TEST_F(BuildCertificatesTest, AreReadWhereAListenerSpeaksTls) {
  const auto config = with_certificate(support::make_pair_for({"www.example.com"}));
  const BuildResult built = build(*config);
  ASSERT_NE(built.snapshot, nullptr);
  ASSERT_NE(built.snapshot->certificates, nullptr);
  EXPECT_FALSE(built.snapshot->certificates->empty());
  EXPECT_FALSE(built.certificate_stamps.changed());
  files_.write("site", support::make_pair_for({"www.example.com", "renewed.example.com"}));
  EXPECT_TRUE(built.certificate_stamps.changed());
}

TEST_F(BuildCertificatesTest, AreNotReadWhereNobodyNeedsThem) {
  const auto config = with_certificate({.cert = "broken", .key = "broken"});
  config->listeners[0].tls = false;
  EXPECT_EQ(snapshot_of(*config)->certificates, nullptr);
}

TEST_F(BuildCertificatesTest, AreWarnedOfOrRefused) {
  const auto other_name = with_certificate(support::make_pair_for({"other.example.com"}));
  const BuildResult warned = build(*other_name);
  ASSERT_EQ(warned.problems.size(), 1u);
  EXPECT_EQ(warned.problems[0].severity, config::Severity::kWarning);
  EXPECT_NE(warned.snapshot, nullptr);
  tls::PemPair mixed = support::make_pair_for({"www.example.com"});
  mixed.key = support::make_pair_for({"www.example.com"}).key;
  const auto mismatch = with_certificate(mixed);
  const BuildResult refused = build(*mismatch);
  EXPECT_EQ(refused.snapshot, nullptr);
  EXPECT_TRUE(config::has_errors(refused.problems));
  // So that a renewal is tried again when the files change, and not before.
  EXPECT_FALSE(refused.certificate_stamps.empty());
  EXPECT_FALSE(refused.certificate_stamps.changed());
}

// ---- what upstreams are called with ---------------------------------------------------------------------------------

class BuildUpstreamTlsTest : public BuildTest {
 protected:
  BuildUpstreamTlsTest() : config_(support::config_of(support::with_top(""))) {
    show(support::make_pair_for({"client.test"}));
    config_->upstreams[0].servers[0].tls = true;
    config_->upstreams[0].tls.ca = files_.directory().write("ca.pem", support::make_authority("ca").cert);
  }
  void show(const tls::PemPair& pair) {
    const config::CertificateFiles files = files_.write("client", pair);
    config_->upstreams[0].tls.cert = files.cert;
    config_->upstreams[0].tls.key = files.key;
  }
  BuildResult renew(const BuildResult& served) {
    return renew_certificates(served, 2, files_.ticket_keys(), std::chrono::system_clock::now());
  }

  support::CertSites files_;
  std::unique_ptr<config::Config> config_;
};

TEST_F(BuildUpstreamTlsTest, WarnsOfAClientCertificateThatServersRefuse) {
  const auto hours = [](int count) { return std::chrono::hours(count); };
  EXPECT_TRUE(build(*config_).problems.empty());
  const std::initializer_list<std::pair<int, std::string_view>> rows = {{-1, " expired on "},
                                                                        {24 * 9 + 12, " expires in 9 days, on "}};
  for (const auto& [until, said] : rows) {
    show(support::make_pair_valid({"client.test"}, hours(-48), hours(until)));
    const BuildResult built = build(*config_);
    ASSERT_EQ(built.problems.size(), 1u);
    EXPECT_EQ(built.problems[0].key, "upstreams.app.tls.cert");
    EXPECT_EQ(built.problems[0].severity, config::Severity::kWarning);
    EXPECT_TRUE(built.problems[0].message.contains(said)) << built.problems[0].message;
    EXPECT_TRUE(built.problems[0].message.ends_with("renew it")) << built.problems[0].message;
  }
}

TEST_F(BuildUpstreamTlsTest, TellsWhatToRenew) {
  const BuildResult served = build(*config_);
  EXPECT_FALSE(served.certificate_stamps.changed());
  EXPECT_FALSE(renew(served).differs);
  show(support::make_pair_for({"client.test"}));
  EXPECT_TRUE(served.certificate_stamps.changed());
  const BuildResult renewed = renew(served);
  EXPECT_TRUE(renewed.differs);
  EXPECT_EQ(renewed.snapshot->version, 2u);
  EXPECT_FALSE(renew(renewed).differs);
}

TEST_F(BuildUpstreamTlsTest, GoesOnWithWhatWasReadWhereAFileIsBroken) {
  BuildResult served = build(*config_);
  files_.directory().write("ca.pem", "broken");
  for (int looks = 0; looks < 2; ++looks) {
    BuildResult renewed = renew(served);
    EXPECT_FALSE(renewed.differs);
    ASSERT_EQ(renewed.problems.size(), 1u);
    EXPECT_EQ(renewed.problems[0].key, "upstreams.app.tls.ca");
    EXPECT_EQ(renewed.problems[0].severity, config::Severity::kError);
    EXPECT_TRUE(renewed.problems[0].message.ends_with("; until then what was read before is used"));
    served = std::move(renewed);
  }
  files_.directory().write("ca.pem", support::make_authority("another").cert);
  EXPECT_TRUE(renew(served).differs);
}

}  // namespace
}  // namespace viaduct::daemon

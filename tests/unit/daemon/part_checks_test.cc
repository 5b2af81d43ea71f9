// SPDX-License-Identifier: Apache-2.0
// What is found in configs that load is in build_test.cc too; here it is what is found in those that do not.
#include "daemon/part_checks.h"

#include <gtest/gtest.h>

#include "config/load.h"
#include "support/cert_sites.h"
#include "support/config_load.h"
#include "support/tls_ends.h"

namespace viaduct::daemon {
namespace {

class PartChecksTest : public testing::Test {
 protected:
  // "LINE:COLUMN key" of each error that is found beside those of reading; `text` must have one of these.
  std::string found_in(const std::string& text) {
    const config::LoadResult loaded = support::load_config(text, files_.directory().path());
    EXPECT_EQ(loaded.config, nullptr) << text;
    if (loaded.readable == nullptr) return "nothing to read";
    std::string found;
    for (const config::Problem& problem : check_readable_parts(loaded, files_.ticket_keys(), kNow)) {
      EXPECT_EQ(problem.severity, config::Severity::kError);
      EXPECT_NE(problem.message.find("; "), std::string::npos) << "no remedy: " << problem.message;
      found +=
          std::to_string(problem.place.line) + ":" + std::to_string(problem.place.column) + " " + problem.key + "\n";
    }
    return found;
  }
  // Writes both files of a pair, of another one each where it is `mixed`.
  void write_pair(const std::string& name, bool mixed) {
    tls::PemPair pair = support::make_pair_for({"www.example.com"});
    if (mixed) pair.key = support::make_pair_for({"www.example.com"}).key;
    files_.write(name, pair);
  }

  const base::WallTime kNow = std::chrono::system_clock::now();
  support::CertSites files_;
};

TEST_F(PartChecksTest, FindRegularExpressionsBesideOtherErrors) {
  EXPECT_EQ(found_in(support::with_routes("      - match: { regex: '(' }\n"
                                          "        upstrem: app\n"
                                          "      - match:\n"
                                          "          regex:\n"
                                          "            - '^/ok'\n"
                                          "            - '['\n"
                                          "        upstream: app\n"
                                          "        rewrite: { regex: ['(', '/x'] }\n"
                                          "      - { match: { prefix: /a }, upstream: app,\n"
                                          "          rewrite: { regex: ['^/a', '/\\2'] } }\n"
                                          "      - { match: { regex: '' }, upstream: app }\n")),
            "8:25 sites[0].routes[0].match.regex\n"
            "13:15 sites[0].routes[1].match.regex[1]\n"
            "15:28 sites[0].routes[1].rewrite.regex[0]\n"
            "17:37 sites[0].routes[2].rewrite.regex[1]\n");
}

TEST_F(PartChecksTest, SayWhereAnInheritedRegexIsWritten) {
  EXPECT_EQ(found_in("defaults: { rewrite: { regex: ['(', x] } }\nnonsense: 1\n" +
                     support::with_routes("      - { match: { prefix: /a }, upstream: app }\n")),
            "1:32 defaults.rewrite.regex[0]\n");
}

TEST_F(PartChecksTest, TellNothingTwice) {
  // The root is not there, the callback route may have no rewrite, and methods are not known.
  EXPECT_EQ(found_in(support::with_routes(
                "      - { match: { prefix: /a }, static: { root: none } }\n"
                "      - { match: { exact: /p }, callback: generic, upstream: app, rewrite: { regex: ['(', x] } }\n"
                "      - { match: { regex: '^/q$' }, callback: generic, upstream: app }\n"
                "      - { match: { exact: /q, methods: ['G T'] }, upstream: app }\n")),
            "");
  EXPECT_EQ(found_in("listeners: [\n"), "nothing to read");
  EXPECT_EQ(found_in("listeners: 1\nsites: 2\nupstreams: 3\n"), "");
}

TEST_F(PartChecksTest, FindPairsThatAreNone) {
  write_pair("mixed", true);
  write_pair("good", false);
  files_.directory().write("broken.pem", "none");
  const std::string listener = "listeners: [{ address: ':0', tls: true }]\nnonsense: 1\nsites:\n";
  const std::string rest = "    routes: [{ match: { prefix: / }, respond: {} }]\n";
  EXPECT_EQ(found_in(listener + "  - hosts: [a.test]\n    tls: { cert: mixed.pem, key: mixed.key }\n" + rest),
            "5:18 sites[0].tls.cert\n");
  EXPECT_EQ(found_in(listener + "  - hosts: [a.test]\n    tls: [{ cert: mixed.pem, key: mixed.key }]\n" + rest),
            "5:19 sites[0].tls[0].cert\n");
  EXPECT_EQ(found_in(listener +
                     "  - hosts: [a.test]\n    tls:\n      - { cert: good.pem, key: good.key }\n"
                     "      - { cert: none.pem, key: good.key, client_ca: broken.pem }\n" +
                     rest),
            "7:53 sites[0].tls[1].client_ca\n");
  EXPECT_EQ(found_in(listener + "  - hosts: [a.test]\n    tls: { cert: mixed.pem }\n" + rest), "");
  EXPECT_EQ(found_in("listeners: [{ address: ':0' }]\nnonsense: 1\nsites:\n  - hosts: [a.test]\n"
                     "    tls: { cert: mixed.pem, key: mixed.key }\n" +
                     rest),
            "")
      << "no listener speaks TLS";
  EXPECT_EQ(found_in("listeners: [{ address: ':0', tls: perhaps }]\nsites:\n  - hosts: [a.test]\n"
                     "    tls: { cert: mixed.pem, key: mixed.key }\n" +
                     rest),
            "4:18 sites[0].tls.cert\n")
      << "one may";
}

TEST_F(PartChecksTest, FindWhatUpstreamsCannotBeCalledWith) {
  write_pair("mixed", true);
  files_.directory().write("broken.pem", "none");
  const auto upstream = [this](const std::string& keys) {
    return found_in("listeners: [{ address: ':0' }]\nupstreams:\n  a: { " + keys +
                    " }\nsites: [{ hosts: [a.test], routes: [{ match: { prefix: / }, upstream: b }] }]\n");
  };
  const std::string tls = "tls: { ca: broken.pem, cert: mixed.pem, key: mixed.key }";
  EXPECT_EQ(upstream("servers: ['https://a.test'], " + tls), "3:48 upstreams.a.tls.ca\n3:66 upstreams.a.tls.cert\n");
  EXPECT_EQ(upstream("servers: ['http://a.test'], " + tls), "");
  EXPECT_EQ(upstream("servers: ['htps://a.test'], " + tls), "3:47 upstreams.a.tls.ca\n3:65 upstreams.a.tls.cert\n");
  EXPECT_EQ(upstream("servers: ['https://a.test'], tls: { ca: none.pem, cert: mixed.pem, key: none.key }"), "");
}

TEST(FindTlsFaults, TellsOfEachFile) {
  config::UpstreamTls tls;
  EXPECT_TRUE(find_tls_faults(tls).empty());
  tls.ca = tls.cert = tls.key = "/nonexistent";
  const std::vector<TlsFault> faults = find_tls_faults(tls);
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0].key, "tls.ca");
  EXPECT_EQ(faults[1].key, "tls.cert");
}

}  // namespace
}  // namespace viaduct::daemon

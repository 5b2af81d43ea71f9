// SPDX-License-Identifier: Apache-2.0
// Configs whose routes contradict each other, or what a callback needs.
#include <gtest/gtest.h>

#include <string>

#include "config/load.h"
#include "support/config_load.h"

namespace viaduct::config {
namespace {

using support::with_routes;

// Line 8 is the first behind the head of with_routes(), line 9 that of with_top().
struct Row {
  const char* name;
  std::string text;
  const char* problems;
};

class BrokenRoute : public testing::TestWithParam<Row> {};

TEST_P(BrokenRoute, IsToldWithPlaceAndRemedy) {
  EXPECT_EQ(support::problems_of(GetParam().text), GetParam().problems);
}

const Row kRows[] = {
    {"UnknownUpstream", with_routes("      - { match: { prefix: / }, upstream: ap }\n"),
     "viaduct.yaml:8:43: sites[0].routes[0].upstream: there is no upstream \"ap\"; did you mean \"app\"?\n"
     "      - { match: { prefix: / }, upstream: ap }\n"
     "                                          ^\n"},
    {"NoAction", with_routes("      - { match: { prefix: / } }\n"),
     "viaduct.yaml:8:9: sites[0].routes[0]: the route has no action; add upstream: NAME, static, redirect or respond\n"
     "      - { match: { prefix: / } }\n"
     "        ^\n"},
    {"TwoActions", with_routes("      - { match: { prefix: / }, upstream: app, respond: { status: 200 } }\n"),
     "viaduct.yaml:8:48: sites[0].routes[0].respond: \"respond\" and \"upstream\" (line 8) exclude each other; keep "
     "one of upstream, static, redirect or respond\n"
     "      - { match: { prefix: / }, upstream: app, respond: { status: 200 } }\n"
     "                                               ^\n"},
    {"InheritedActionWithoutItsKey",
     "listeners: [{ address: \":80\" }]\n"
     "defaults:\n"
     "  redirect: { status: 301 }\n"
     "sites:\n"
     "  - hosts: [a.example.com]\n"
     "    routes:\n"
     "      - { match: { prefix: / } }\n",
     "viaduct.yaml:7:9: sites[0].routes[0].redirect.to: the route inherits redirect without to; add redirect: { to: "
     "... }\n"
     "      - { match: { prefix: / } }\n"
     "        ^\n"},
    {"SamePathTwice",
     with_routes("      - { name: one, match: { prefix: /api/ }, upstream: app }\n"
                 "      - { name: two, match: { exact: /x, prefix: /api/ }, upstream: app }\n"),
     "viaduct.yaml:9:50: sites[0].routes[1].match.prefix: this route and route \"one\" (line 8) could both take a "
     "request for /api/; add a condition to one of them (methods, headers or query), or delete one\n"
     "      - { name: two, match: { exact: /x, prefix: /api/ }, upstream: app }\n"
     "                                                 ^\n"},
    {"OverlappingMethods",
     with_routes("      - { name: read, match: { exact: /x, methods: [GET] }, upstream: app }\n"
                 "      - { name: head, match: { exact: /x, methods: [HEAD, POST] }, upstream: app }\n"),
     "viaduct.yaml:9:39: sites[0].routes[1].match.exact: this route and route \"read\" (line 8) could both take a "
     "request for /x; add a condition to one of them (methods, headers or query), or delete one\n"
     "      - { name: head, match: { exact: /x, methods: [HEAD, POST] }, upstream: app }\n"
     "                                      ^\n"},
    {"MethodAgainstHeader",
     with_routes("      - { name: post, match: { exact: /x, methods: [POST] }, upstream: app }\n"
                 "      - { name: beta, match: { exact: /x, headers: { X-Beta: \"1\" } }, upstream: app }\n"),
     "viaduct.yaml:9:39: sites[0].routes[1].match.exact: this route and route \"post\" (line 8) could both take a "
     "request for /x; add a condition to one of them (methods, headers or query), or delete one\n"
     "      - { name: beta, match: { exact: /x, headers: { X-Beta: \"1\" } }, upstream: app }\n"
     "                                      ^\n"},
    {"SameRegexTwice",
     with_routes("      - { name: one, match: { regex: \"^/a[0-9]\" }, upstream: app }\n"
                 "      - { name: two, match: { regex: \"^/a[0-9]\" }, upstream: app }\n"),
     "viaduct.yaml:9:38: sites[0].routes[1].match.regex: the route can never be reached, since route \"one\" (line 8) "
     "takes its requests first; delete one, or add conditions to the other\n"
     "      - { name: two, match: { regex: \"^/a[0-9]\" }, upstream: app }\n"
     "                                     ^\n"},
    {"RegexThatTakesAll",
     with_routes("      - { name: all, match: { regex: \".*\" }, upstream: app }\n"
                 "      - { name: api, match: { prefix: /api/ }, upstream: app }\n"),
     "viaduct.yaml:9:39: sites[0].routes[1].match.prefix: the route can never be reached, since route \"all\" (line 8) "
     "takes its requests first; delete one, or add conditions to the other\n"
     "      - { name: api, match: { prefix: /api/ }, upstream: app }\n"
     "                                      ^\n"},
    {"RegexOfAnExactPath",
     with_routes("      - { name: exact, match: { exact: /x }, upstream: app }\n"
                 "      - { name: regex, match: { regex: \"^/x$\" }, upstream: app }\n"),
     "viaduct.yaml:9:40: sites[0].routes[1].match.regex: the route can never be reached, since route \"exact\" (line "
     "8) takes its requests first; delete one, or add conditions to the other\n"
     "      - { name: regex, match: { regex: \"^/x$\" }, upstream: app }\n"
     "                                       ^\n"},
    {"PrefixThatIsLeftNothing",
     with_routes("      - { name: api, match: { prefix: /api }, upstream: app }\n"
                 "      - { name: itself, match: { exact: /api }, upstream: app }\n"
                 "      - { name: below, match: { prefix: /api/ }, upstream: app }\n"),
     "viaduct.yaml:8:39: sites[0].routes[0].match.prefix: the route can never be reached, since route \"below\" (line "
     "10) takes its requests first; delete one, or add conditions to the other\n"
     "      - { name: api, match: { prefix: /api }, upstream: app }\n"
     "                                      ^\n"},
    {"PartlyHidden",
     with_routes("      - { name: all, match: { regex: \"^/api/\" }, upstream: app }\n"
                 "      - { name: api, match: { prefix: [/api/v1/, /other/] }, upstream: app }\n"),
     "viaduct.yaml:9:40: warning: sites[0].routes[1].match.prefix[0]: /api/v1/ is never reached, since route \"all\" "
     "(line 8) takes its requests first; delete it\n"
     "      - { name: api, match: { prefix: [/api/v1/, /other/] }, upstream: app }\n"
     "                                       ^\n"},
    {"PathTwiceInOneRoute", with_routes("      - { match: { exact: [/x, /x] }, upstream: app }\n"),
     "viaduct.yaml:8:32: sites[0].routes[0].match.exact[1]: /x stands twice in this route; delete one of them\n"
     "      - { match: { exact: [/x, /x] }, upstream: app }\n"
     "                               ^\n"},
    {"DeniedRoute",
     "listeners: [{ address: \":80\" }]\n"
     "upstreams: { app: { servers: [\"http://127.0.0.1:8000\"] }, web: { servers: [\"http://127.0.0.1:8001\"] } }\n"
     "sites:\n"
     "  - hosts: [a.example.com]\n"
     "    deny: [/internal/]\n"
     "    routes:\n"
     "      - { match: { prefix: / }, upstream: app }\n"
     "      - { match: { exact: /internal/x }, upstream: app }\n"
     "      - { match: { exact: [/internal, /y] }, upstream: app }\n",
     "viaduct.yaml:8:27: sites[0].routes[1].match.exact: deny: /internal/ refuses /internal/x, so the route can never "
     "be reached; delete one of them\n"
     "      - { match: { exact: /internal/x }, upstream: app }\n"
     "                          ^\n"
     "viaduct.yaml:9:28: warning: sites[0].routes[2].match.exact[0]: deny: /internal/ refuses /internal; delete one of "
     "them\n"
     "      - { match: { exact: [/internal, /y] }, upstream: app }\n"
     "                           ^\n"},
    {"DeniedCallback",
     "listeners: [{ address: \":80\" }]\n"
     "upstreams: { app: { servers: [\"http://127.0.0.1:8000\"] }, web: { servers: [\"http://127.0.0.1:8001\"] } }\n"
     "sites:\n"
     "  - hosts: [a.example.com]\n"
     "    deny: [/pay]\n"
     "    routes:\n"
     "      - { match: { exact: /pay/notify, methods: [POST] }, callback: alipay, upstream: app }\n",
     "viaduct.yaml:7:27: sites[0].routes[0].match.exact: deny: /pay refuses /pay/notify, which a platform calls; take "
     "it out of deny\n"
     "      - { match: { exact: /pay/notify, methods: [POST] }, callback: alipay, upstream: app }\n"
     "                          ^\n"},
    {"CallbackThatIsShadowed",
     with_routes("      - { name: pay, match: { exact: /pay }, callback: generic, upstream: app }\n"
                 "      - { name: thief, match: { exact: /pay, methods: [POST, PUT] }, upstream: app }\n"),
     "viaduct.yaml:9:40: sites[0].routes[1].match.exact: this route has more conditions and takes requests of the "
     "callback route \"pay\" (line 8); give it methods that the callback does not take, or another path\n"
     "      - { name: thief, match: { exact: /pay, methods: [POST, PUT] }, upstream: app }\n"
     "                                       ^\n"},
    {"CallbackWithARedirectInside",
     with_routes("      - { name: pay, match: { prefix: /pay/ }, callback: generic, upstream: app }\n"
                 "      - { name: old, match: { exact: /pay/old }, redirect: { to: /pay/new } }\n"
                 "      - { name: page, match: { prefix: /pay/page/, methods: [GET] }, respond: { body: hi } }\n"),
     "viaduct.yaml:9:38: sites[0].routes[1].match.exact: this route may take requests of the callback route \"pay\" "
     "(line 8), whose paths are not exact; give this one methods that the callback does not take, or the callback "
     "exact "
     "paths\n"
     "      - { name: old, match: { exact: /pay/old }, redirect: { to: /pay/new } }\n"
     "                                     ^\n"},
    {"CallbackPrefixWhoseOwnPathIsAnothers",
     with_routes("      - { name: pay, match: { prefix: /pay }, callback: generic, upstream: app }\n"
                 "      - { name: thief, match: { exact: /pay }, redirect: { to: /elsewhere } }\n"),
     "viaduct.yaml:9:40: sites[0].routes[1].match.exact: this route may take requests of the callback route \"pay\" "
     "(line 8), whose paths are not exact; give this one methods that the callback does not take, or the callback "
     "exact paths\n"
     "      - { name: thief, match: { exact: /pay }, redirect: { to: /elsewhere } }\n"
     "                                       ^\n"},
    {"ListsOfNoPath",
     with_routes(
         "      - { match: { exact: [], methods: [] }, upstream: app }\n"
         "      - { match: { prefix: /a, headers: { X-A: b, x-a: c } }, upstream: app }\n"
         "      - { match: { prefix: /b }, upstream: app, allow: { addresses: [] }, cors: { allow_origins: [] } }\n"),
     "viaduct.yaml:8:27: sites[0].routes[0].match.exact: the list is empty; add a path, or delete the key\n"
     "      - { match: { exact: [], methods: [] }, upstream: app }\n"
     "                          ^\n"
     "viaduct.yaml:8:40: sites[0].routes[0].match.methods: the list is empty; add a method, or leave methods out to "
     "take "
     "all\n"
     "      - { match: { exact: [], methods: [] }, upstream: app }\n"
     "                                       ^\n"
     "viaduct.yaml:9:51: sites[0].routes[1].match.headers: x-a is the same field as X-A; delete one of them\n"
     "      - { match: { prefix: /a, headers: { X-A: b, x-a: c } }, upstream: app }\n"
     "                                                  ^\n"
     "viaduct.yaml:10:69: sites[0].routes[2].allow.addresses: the list is empty; add a range of addresses, or write "
     "allow: null\n"
     "      - { match: { prefix: /b }, upstream: app, allow: { addresses: [] }, cors: { allow_origins: [] } }\n"
     "                                                                    ^\n"
     "viaduct.yaml:10:98: sites[0].routes[2].cors.allow_origins: the list is empty; add an origin, or write cors: "
     "null\n"
     "      - { match: { prefix: /b }, upstream: app, allow: { addresses: [] }, cors: { allow_origins: [] } }\n"
     "                                                                                                 ^\n"},
    {"CallbackWithoutUpstream",
     with_routes("      - { match: { exact: /pay }, callback: alipay, redirect: { to: /elsewhere } }\n"),
     "viaduct.yaml:8:63: sites[0].routes[0].redirect: a callback route takes the answer of its upstream alone, not "
     "redirect; write upstream: NAME\n"
     "      - { match: { exact: /pay }, callback: alipay, redirect: { to: /elsewhere } }\n"
     "                                                              ^\n"},
    {"CallbackWithFilters",
     with_routes("      - match: { exact: /pay }\n"
                 "        callback: wechat_pay_v3\n"
                 "        upstream: app\n"
                 "        cors: { allow_origins: \"*\" }\n"
                 "        rewrite: { strip_prefix: /pay }\n"
                 "        rate_limit: { rate: 1/s }\n"),
     "viaduct.yaml:11:15: sites[0].routes[0].cors: a callback route has no cors: no browser calls it; delete it\n"
     "        cors: { allow_origins: \"*\" }\n"
     "              ^\n"
     "viaduct.yaml:12:18: sites[0].routes[0].rewrite: a callback route has no rewrite: the platform's request arrives "
     "unchanged; delete it\n"
     "        rewrite: { strip_prefix: /pay }\n"
     "                 ^\n"
     "viaduct.yaml:13:21: sites[0].routes[0].rate_limit: a callback route has no rate_limit: a refused notice is a "
     "lost payment; delete it\n"
     "        rate_limit: { rate: 1/s }\n"
     "                    ^\n"},
    {"CallbackThatInherits",
     "listeners: [{ address: \":80\" }]\n"
     "upstreams: { app: { servers: [\"http://127.0.0.1:8000\"] }, web: { servers: [\"http://127.0.0.1:8001\"] } }\n"
     "defaults:\n"
     "  rate_limit: { rate: 1/s }\n"
     "sites:\n"
     "  - hosts: [a.example.com]\n"
     "    cors: { allow_origins: \"*\" }\n"
     "    routes:\n"
     "      - { match: { exact: /pay }, callback: wechat_pay_v3, upstream: app }\n"
     "      - { match: { exact: /pay2 }, callback: wechat_pay_v3, upstream: app, cors: null, rate_limit: null }\n",
     "viaduct.yaml:9:9: sites[0].routes[0].cors: a callback route has no cors: no browser calls it, but this one "
     "inherits it from line 7; write cors: null here\n"
     "      - { match: { exact: /pay }, callback: wechat_pay_v3, upstream: app }\n"
     "        ^\n"
     "viaduct.yaml:9:9: sites[0].routes[0].rate_limit: a callback route has no rate_limit: a refused notice is a lost "
     "payment, but this one inherits it from line 4; write rate_limit: null here\n"
     "      - { match: { exact: /pay }, callback: wechat_pay_v3, upstream: app }\n"
     "        ^\n"},
    {"CallbackThatWaits",
     with_routes("      - { match: { exact: /pay }, callback: generic, upstream: app, timeouts: { total: 10s }, allow: "
                 "{ addresses: 10.0.0.0/8 } }\n"),
     "viaduct.yaml:8:88: sites[0].routes[0].timeouts.total: the platform hangs up after 5s, but "
     "timeouts.total is 10s; write at most 4500ms\n"
     "      - { match: { exact: /pay }, callback: generic, upstream: app, timeouts: { total: 10s }, allow: { "
     "addresses: 10.0.0.0/8 } }\n"
     "                                                                                       ^\n"
     "viaduct.yaml:8:102: warning: sites[0].routes[0].allow: the platforms call from addresses that are in no list, "
     "too, and enforce refuses their payments; write mode: report, or i_know: true beside it\n"
     "      - { match: { exact: /pay }, callback: generic, upstream: app, timeouts: { total: 10s }, allow: { "
     "addresses: 10.0.0.0/8 } }\n"
     "                                                                                                     ^\n"},
    {"CallbackThatKnows",
     with_routes("      - match: { exact: /pay }\n"
                 "        callback: wechat_pay_v2\n"
                 "        upstream: app\n"
                 "        timeouts: { total: null }\n"
                 "        allow: { addresses: 10.0.0.0/8, mode: enforce, i_know: true }\n"),
     "viaduct.yaml:11:28: sites[0].routes[0].timeouts.total: the platform hangs up after 5s, but timeouts.total is "
     "off; "
     "write at most 4500ms\n"
     "        timeouts: { total: null }\n"
     "                           ^\n"},
};

INSTANTIATE_TEST_SUITE_P(Load, BrokenRoute, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace viaduct::config

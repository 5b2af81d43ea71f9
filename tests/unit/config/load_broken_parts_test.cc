// SPDX-License-Identifier: Apache-2.0
// Configs whose sites, listeners, upstreams and files do not fit together.
#include <gtest/gtest.h>

#include <string>

#include "config/load.h"
#include "support/config_load.h"

namespace viaduct::config {
namespace {

using support::with_routes;
using support::with_top;

// Line 8 is the first behind the head of with_routes(), line 9 that of with_top().
struct Row {
  const char* name;
  std::string text;
  const char* problems;
};

class BrokenPart : public testing::TestWithParam<Row> {};

TEST_P(BrokenPart, IsToldWithPlaceAndRemedy) {
  EXPECT_EQ(support::problems_of(GetParam().text), GetParam().problems);
}

const Row kRows[] = {
    {"CorsStarWithCredentials",
     with_routes("      - match: { prefix: / }\n"
                 "        upstream: app\n"
                 "        cors: { allow_origins: [\"*\"], allow_credentials: true, allow_headers: \"*\" }\n"),
     "viaduct.yaml:10:58: sites[0].routes[0].cors.allow_credentials: browsers refuse \"*\" together with credentials; "
     "list the allow_origins, or drop allow_credentials\n"
     "        cors: { allow_origins: [\"*\"], allow_credentials: true, allow_headers: \"*\" }\n"
     "                                                         ^\n"
     "viaduct.yaml:10:79: sites[0].routes[0].cors.allow_headers: with credentials, browsers take \"*\" for a "
     "name; list the names\n"
     "        cors: { allow_origins: [\"*\"], allow_credentials: true, allow_headers: \"*\" }\n"
     "                                                                              ^\n"},
    {"CorsStarWithOthers",
     with_routes("      - { match: { prefix: / }, upstream: app, cors: { allow_origins: [\"*\", "
                 "\"https://a.example.com\"] } }\n"),
     "viaduct.yaml:8:71: sites[0].routes[0].cors.allow_origins: \"*\" takes every origin that CORS knows; let it stand "
     "alone\n"
     "      - { match: { prefix: / }, upstream: app, cors: { allow_origins: [\"*\", \"https://a.example.com\"] } }\n"
     "                                                                      ^\n"},
    {"CorsWithoutOrigins", with_routes("      - { match: { prefix: / }, upstream: app, cors: { max_age: 1m } }\n"),
     "viaduct.yaml:8:54: sites[0].routes[0].cors.allow_origins: \"allow_origins\" is missing; add it\n"
     "      - { match: { prefix: / }, upstream: app, cors: { max_age: 1m } }\n"
     "                                                     ^\n"},
    {"RouteNamesTwice",
     with_routes("      - { name: x, match: { prefix: /a/ }, upstream: app }\n"
                 "      - { name: x, match: { prefix: /b/ }, upstream: app }\n"),
     "viaduct.yaml:9:17: sites[0].routes[1].name: there is a route \"x\" in this site already, in line 8; give one "
     "another name\n"
     "      - { name: x, match: { prefix: /b/ }, upstream: app }\n"
     "                ^\n"},
    {"HostInTwoSites",
     "listeners: [{ address: \":80\" }]\n"
     "upstreams: { app: { servers: [\"http://127.0.0.1:8000\"] }, web: { servers: [\"http://127.0.0.1:8001\"] } }\n"
     "sites:\n"
     "  - hosts: [a.example.com]\n"
     "    routes: [{ match: { prefix: / }, upstream: app }]\n"
     "  - hosts: [b.example.com, A.example.com]\n"
     "    routes: [{ match: { prefix: / }, upstream: app }]\n",
     "viaduct.yaml:6:28: sites[1].hosts[1]: the host a.example.com stands twice, first in line 4; keep it in one site\n"
     "  - hosts: [b.example.com, A.example.com]\n"
     "                           ^\n"},
    {"TwoDefaults",
     "listeners: [{ address: \":80\" }]\n"
     "upstreams: { app: { servers: [\"http://127.0.0.1:8000\"] }, web: { servers: [\"http://127.0.0.1:8001\"] } }\n"
     "sites:\n"
     "  - default: true\n"
     "    routes: [{ match: { prefix: / }, upstream: app }]\n"
     "  - hosts: [b.example.com]\n"
     "    default: true\n"
     "    routes: [{ match: { prefix: / }, upstream: app }]\n",
     "viaduct.yaml:7:14: sites[1].default: there is a default site already, in line 4; keep one of them\n"
     "    default: true\n"
     "             ^\n"},
    {"SiteWithoutHostsAndRoutes",
     "listeners: [{ address: \":80\" }]\n"
     "sites:\n"
     "  - { routes: [] }\n",
     "viaduct.yaml:3:5: sites[0]: the site has no hosts, so no request reaches it; add hosts: [NAME] or default: true\n"
     "  - { routes: [] }\n"
     "    ^\n"
     "viaduct.yaml:3:15: sites[0].routes: the site has no route, so it answers nothing but 404; add one\n"
     "  - { routes: [] }\n"
     "              ^\n"},
    {"SiteWithoutRoutesKey",
     "listeners: [{ address: \":80\" }]\n"
     "sites:\n"
     "  - hosts: [a.example.com]\n",
     "viaduct.yaml:3:5: sites[0].routes: \"routes\" is missing; add it\n"
     "  - hosts: [a.example.com]\n"
     "    ^\n"},
    {"NoListeners",
     "listeners: []\n"
     "sites: []\n",
     "viaduct.yaml:1:12: listeners: the list is empty; add { address: \"0.0.0.0:80\" }\n"
     "listeners: []\n"
     "           ^\n"
     "viaduct.yaml:2:8: sites: the list is empty; add a site with hosts and routes\n"
     "sites: []\n"
     "       ^\n"},
    {"BoundTwice",
     "listeners:\n"
     "  - { address: \":80\" }\n"
     "  - { address: \"0.0.0.0:80\" }\n"
     "sites: [{ default: true, routes: [{ match: { prefix: / }, respond: {} }] }]\n",
     "viaduct.yaml:3:16: listeners[1].address: 0.0.0.0:80 is bound twice, first by :80 in line 2; keep one of them\n"
     "  - { address: \"0.0.0.0:80\" }\n"
     "               ^\n"},
    {"TlsWithoutCertificate",
     "listeners:\n"
     "  - { address: \":443\", tls: true, redirect_to_https: true }\n"
     "sites: [{ default: true, routes: [{ match: { prefix: / }, respond: {} }] }]\n",
     "viaduct.yaml:2:29: listeners[0].tls: no site has a certificate; add tls: { cert: FILE, key: FILE } to a site, or "
     "drop tls here\n"
     "  - { address: \":443\", tls: true, redirect_to_https: true }\n"
     "                            ^\n"
     "viaduct.yaml:2:54: listeners[0].redirect_to_https: this listener speaks https itself; put redirect_to_https on "
     "the plain one\n"
     "  - { address: \":443\", tls: true, redirect_to_https: true }\n"
     "                                                     ^\n"},
    {"RedirectWithoutTls",
     "listeners:\n"
     "  - { address: \":80\", redirect_to_https: true }\n"
     "sites: [{ default: true, routes: [{ match: { prefix: / }, respond: {} }] }]\n",
     "viaduct.yaml:2:42: listeners[0].redirect_to_https: there is no TLS listener to redirect to; add one with tls: "
     "true, or drop this\n"
     "  - { address: \":80\", redirect_to_https: true }\n"
     "                                         ^\n"},
    {"TlsVersionsCrossed", with_top("tls: { min_version: 1.3, max_version: 1.2 }\n"),
     "viaduct.yaml:9:21: tls.min_version: min_version is above max_version, so no version is left; lower it\n"
     "tls: { min_version: 1.3, max_version: 1.2 }\n"
     "                    ^\n"},
    {"BodyWithoutBody", with_routes("      - { match: { prefix: / }, respond: { status: 204, body: gone } }\n"),
     "viaduct.yaml:8:63: sites[0].routes[0].respond.body: an answer with status 204 has no body; delete it, or answer "
     "200\n"
     "      - { match: { prefix: / }, respond: { status: 204, body: gone } }\n"
     "                                                              ^\n"},
    {"RewriteOfNothing",
     with_routes("      - { match: { prefix: / }, respond: {}, rewrite: { strip_prefix: /x } }\n"
                 "      - { match: { prefix: /y/ }, upstream: app, rewrite: { strip_prefix: /x } }\n"),
     "viaduct.yaml:8:55: sites[0].routes[0].rewrite: this route neither forwards the request nor looks a file up, so "
     "there is nothing to rewrite; delete it\n"
     "      - { match: { prefix: / }, respond: {}, rewrite: { strip_prefix: /x } }\n"
     "                                                      ^\n"
     "viaduct.yaml:9:59: warning: sites[0].routes[1].rewrite: no path of this route starts with /x, so nothing is "
     "changed\n"
     "      - { match: { prefix: /y/ }, upstream: app, rewrite: { strip_prefix: /x } }\n"
     "                                                          ^\n"},
    {"RewritesIntoDeny",
     with_routes("      - { match: { prefix: /v2/ }, upstream: app, rewrite: { prefix: [/v2, /api] } }\n"
                 "      - { match: { prefix: / }, upstream: app }\n"
                 "    deny: [/api/internal/]\n"),
     "viaduct.yaml:8:60: warning: sites[0].routes[0].rewrite: /v2/internal leads to /api/internal/, which deny keeps "
     "from all other routes; deny /v2/internal too, unless that is meant\n"
     "      - { match: { prefix: /v2/ }, upstream: app, rewrite: { prefix: [/v2, /api] } }\n"
     "                                                           ^\n"},
    {"ServersTwice",
     "listeners: [{ address: \":80\" }]\n"
     "upstreams:\n"
     "  app:\n"
     "    servers:\n"
     "      - http://127.0.0.1:80\n"
     "      - { url: \"http://127.0.0.1\", backup: true }\n"
     "sites: [{ default: true, routes: [{ match: { prefix: / }, upstream: app }] }]\n",
     "viaduct.yaml:6:9: upstreams.app.servers[1]: http://127.0.0.1 is listed twice, first in line 5; list it once, "
     "with a weight\n"
     "      - { url: \"http://127.0.0.1\", backup: true }\n"
     "        ^\n"},
    {"OnlyBackups",
     "listeners: [{ address: \":80\" }]\n"
     "upstreams:\n"
     "  app: { servers: [{ url: \"http://127.0.0.1\", backup: true }] }\n"
     "  web: { servers: [] }\n"
     "  old: {}\n"
     "sites: [{ default: true, routes: [{ match: { prefix: / }, upstream: app }] }]\n",
     "viaduct.yaml:3:19: upstreams.app.servers: every server is a backup; let at least one be none\n"
     "  app: { servers: [{ url: \"http://127.0.0.1\", backup: true }] }\n"
     "                  ^\n"
     "viaduct.yaml:4:19: upstreams.web.servers: the list is empty; add a server, like http://127.0.0.1:8000\n"
     "  web: { servers: [] }\n"
     "                  ^\n"
     "viaduct.yaml:5:8: upstreams.old.servers: \"servers\" is missing; add it\n"
     "  old: {}\n"
     "       ^\n"},
    {"UpstreamTls",
     "listeners: [{ address: \":80\" }]\n"
     "upstreams:\n"
     "  app:\n"
     "    servers: [\"http://127.0.0.1\"]\n"
     "    tls: { cert: /nowhere/c.pem, verify: false }\n"
     "sites: [{ default: true, routes: [{ match: { prefix: / }, upstream: app }] }]\n",
     "viaduct.yaml:5:10: upstreams.app.tls: cert without key; add key: FILE\n"
     "    tls: { cert: /nowhere/c.pem, verify: false }\n"
     "         ^\n"
     "viaduct.yaml:5:18: upstreams.app.tls.cert: cannot read /nowhere/c.pem: No such file or directory; check the "
     "path\n"
     "    tls: { cert: /nowhere/c.pem, verify: false }\n"
     "                 ^\n"
     "viaduct.yaml:5:42: warning: upstreams.app.tls.verify: the servers' certificates are not verified, so anybody on "
     "the way can answer; set ca instead\n"
     "    tls: { cert: /nowhere/c.pem, verify: false }\n"
     "                                         ^\n"},
    {"Timeouts", with_routes("      - { match: { prefix: / }, upstream: app, timeouts: { connect: 5s, total: 2s } }\n"),
     "viaduct.yaml:8:69: warning: sites[0].routes[0].timeouts.connect: connect (5s) is longer than total (2s), so it "
     "never ends first; make it shorter\n"
     "      - { match: { prefix: / }, upstream: app, timeouts: { connect: 5s, total: 2s } }\n"
     "                                                                    ^\n"},
    {"MissingFiles",
     with_routes("      - match: { prefix: / }\n"
                 "        static: { root: nowhere, fallback: /index.html }\n"),
     "viaduct.yaml:9:25: sites[0].routes[0].static.root: cannot read /nonexistent/etc/nowhere: No such file or "
     "directory; check the path\n"
     "        static: { root: nowhere, fallback: /index.html }\n"
     "                        ^\n"},
    {"MissingCertificates",
     "listeners: [{ address: \":443\", tls: true }]\n"
     "sites:\n"
     "  - default: true\n"
     "    tls:\n"
     "      - { cert: a.pem, key: b.pem }\n"
     "      - { cert: c.pem }\n"
     "    routes: [{ match: { prefix: / }, respond: {} }]\n",
     "viaduct.yaml:5:17: sites[0].tls[0].cert: cannot read /nonexistent/etc/a.pem: No such file or directory; check "
     "the path\n"
     "      - { cert: a.pem, key: b.pem }\n"
     "                ^\n"
     "viaduct.yaml:5:29: sites[0].tls[0].key: cannot read /nonexistent/etc/b.pem: No such file or directory; check the "
     "path\n"
     "      - { cert: a.pem, key: b.pem }\n"
     "                            ^\n"
     "viaduct.yaml:6:9: sites[0].tls[1].key: \"key\" is missing; add it\n"
     "      - { cert: c.pem }\n"
     "        ^\n"
     "viaduct.yaml:6:17: sites[0].tls[1].cert: cannot read /nonexistent/etc/c.pem: No such file or directory; check "
     "the path\n"
     "      - { cert: c.pem }\n"
     "                ^\n"},
    {"MissingLogDirectory",
     with_top("logs: { access: { file: nowhere/access.log } }\n"
              "admin: { socket: nowhere/admin.sock }\n"),
     "viaduct.yaml:9:25: logs.access.file: cannot make the file /nonexistent/etc/nowhere/access.log: No such file or "
     "directory; create its directory\n"
     "logs: { access: { file: nowhere/access.log } }\n"
     "                        ^\n"
     "viaduct.yaml:10:18: admin.socket: cannot make the file /nonexistent/etc/nowhere/admin.sock: No such file or "
     "directory; create its directory\n"
     "admin: { socket: nowhere/admin.sock }\n"
     "                 ^\n"},
};

INSTANTIATE_TEST_SUITE_P(Load, BrokenPart, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace viaduct::config

// SPDX-License-Identifier: Apache-2.0
// Configs with keys that nobody knows, and values of the wrong kind.
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

class BrokenKey : public testing::TestWithParam<Row> {};

TEST_P(BrokenKey, IsToldWithPlaceAndRemedy) {
  EXPECT_EQ(support::problems_of(GetParam().text), GetParam().problems);
}

const Row kRows[] = {
    {"UnknownKeyAtTheTop", with_top("listener: []\n"),
     "viaduct.yaml:9:1: listener: unknown key \"listener\"; did you mean \"listeners\"?\n"
     "listener: []\n"
     "^\n"},
    {"UnknownKeyInARoute", with_routes("      - { match: { prefix: / }, upstrem: app }\n"),
     "viaduct.yaml:8:33: sites[0].routes[0].upstrem: unknown key \"upstrem\"; did you mean \"upstream\"?\n"
     "      - { match: { prefix: / }, upstrem: app }\n"
     "                                ^\n"},
    {"UnknownKeyWithoutLikeness", with_top("banana: 1\n"),
     "viaduct.yaml:9:1: banana: unknown key \"banana\"; known here: include, listeners, tls, client, defaults, "
     "upstreams, resolver, sites, errors, logs, admin, process\n"
     "banana: 1\n"
     "^\n"},
    {"Location", with_routes("      - { location: /api, upstream: app }\n"),
     "viaduct.yaml:8:11: sites[0].routes[0].location: unknown key \"location\"; a location is a route here: routes: [{ "
     "match: { prefix: /x }, upstream: NAME }]\n"
     "      - { location: /api, upstream: app }\n"
     "          ^\n"},
    {"ProxyPass", with_routes("      - { match: { prefix: / }, proxy_pass: \"http://127.0.0.1:8000\" }\n"),
     "viaduct.yaml:8:33: sites[0].routes[0].proxy_pass: unknown key \"proxy_pass\"; name an upstream: upstream: NAME, "
     "and give its address under upstreams: NAME: servers: [URL]\n"
     "      - { match: { prefix: / }, proxy_pass: \"http://127.0.0.1:8000\" }\n"
     "                                ^\n"},
    {"ServerName",
     "listeners: [{ address: \":80\" }]\n"
     "sites:\n"
     "  - server_name: a.example.com\n"
     "    routes: [{ match: { prefix: / }, respond: {} }]\n",
     "viaduct.yaml:3:5: sites[0].server_name: unknown key \"server_name\"; host names are called hosts: hosts: "
     "[example.com, www.example.com]\n"
     "  - server_name: a.example.com\n"
     "    ^\n"},
    {"Listen",
     "listeners: [{ listen: 80, address: \":80\" }]\n"
     "sites:\n"
     "  - hosts: [a.example.com]\n"
     "    routes: [{ match: { prefix: / }, respond: {} }]\n",
     "viaduct.yaml:1:15: listeners[0].listen: unknown key \"listen\"; the address is called address: address: "
     "\"0.0.0.0:443\"\n"
     "listeners: [{ listen: 80, address: \":80\" }]\n"
     "              ^\n"},
    {"UpstreamAtTheTop", with_top("upstream: { x: { servers: [\"http://127.0.0.1:1\"] } }\n"),
     "viaduct.yaml:9:1: upstream: unknown key \"upstream\"; upstreams are a map of names: upstreams: { NAME: { "
     "servers: [URL] } }\n"
     "upstream: { x: { servers: [\"http://127.0.0.1:1\"] } }\n"
     "^\n"},
    {"ListenOfHaproxy", with_top("bind: \":80\"\n"),
     "viaduct.yaml:9:1: bind: unknown key \"bind\"; write listeners: [{ address: \"0.0.0.0:443\", tls: true }] at the "
     "top of the file\n"
     "bind: \":80\"\n"
     "^\n"},
    {"Whitelist", with_routes("      - { match: { prefix: / }, upstream: app, whitelist: [10.0.0.0/8] }\n"),
     "viaduct.yaml:8:48: sites[0].routes[0].whitelist: unknown key \"whitelist\"; write allow: { addresses: [CIDR], "
     "mode: enforce }\n"
     "      - { match: { prefix: / }, upstream: app, whitelist: [10.0.0.0/8] }\n"
     "                                               ^\n"},
    {"RootInARoute", with_routes("      - { match: { prefix: / }, root: /var/www }\n"),
     "viaduct.yaml:8:33: sites[0].routes[0].root: unknown key \"root\"; files are served by static: { root: DIRECTORY "
     "}\n"
     "      - { match: { prefix: / }, root: /var/www }\n"
     "                                ^\n"},
    {"PrefixOutsideMatch", with_routes("      - { prefix: /, upstream: app }\n"),
     "viaduct.yaml:8:11: sites[0].routes[0].prefix: unknown key \"prefix\"; it belongs elsewhere: "
     "sites[].routes[].match.prefix or sites[].routes[].rewrite.prefix\n"
     "      - { prefix: /, upstream: app }\n"
     "          ^\n"},
    {"KeyOfAnotherPlace", with_routes("      - { match: { prefix: / }, upstream: app, header_timeout: 5s }\n"),
     "viaduct.yaml:8:48: sites[0].routes[0].header_timeout: unknown key \"header_timeout\"; it belongs elsewhere: "
     "client.header_timeout\n"
     "      - { match: { prefix: / }, upstream: app, header_timeout: 5s }\n"
     "                                               ^\n"},
    {"MergeKey", with_top("client: { <<: { max_fields: 1 } }\n"),
     "viaduct.yaml:9:11: client.<<: unknown key \"<<\"; merge keys are not known; put what routes share into defaults "
     "or into their site\n"
     "client: { <<: { max_fields: 1 } }\n"
     "          ^\n"},
    {"SpaceMissingBehindAColon",
     with_top("client:\n"
              "  max_fields:100\n"),
     "viaduct.yaml:10:3: client: this should be a map of keys and values, but it is text; a space is missing behind "
     "the colon\n"
     "  max_fields:100\n"
     "  ^\n"},
    {"DurationWithoutUnit", with_top("client: { header_timeout: 10 }\n"),
     "viaduct.yaml:9:27: client.header_timeout: \"10\" has no unit; write 10s for seconds (units: ms, s, m, h, d)\n"
     "client: { header_timeout: 10 }\n"
     "                          ^\n"},
    {"DurationOfNonsense", with_top("client: { header_timeout: soon, idle_timeout: 5min }\n"),
     "viaduct.yaml:9:27: client.header_timeout: \"soon\" is no duration; write a number with a unit, like 500ms, 30s, "
     "5m, 1h or 30d\n"
     "client: { header_timeout: soon, idle_timeout: 5min }\n"
     "                          ^\n"
     "viaduct.yaml:9:47: client.idle_timeout: \"5min\" is no duration; write a number with a unit, like 500ms, 30s, "
     "5m, 1h or 30d\n"
     "client: { header_timeout: soon, idle_timeout: 5min }\n"
     "                                              ^\n"},
    {"DurationOutOfRange", with_top("client: { header_timeout: 2d, body_timeout: 0s }\n"),
     "viaduct.yaml:9:27: client.header_timeout: 2d is out of range; write 1ms to 1d\n"
     "client: { header_timeout: 2d, body_timeout: 0s }\n"
     "                          ^\n"
     "viaduct.yaml:9:45: client.body_timeout: 0s is out of range; write 1ms to 1d\n"
     "client: { header_timeout: 2d, body_timeout: 0s }\n"
     "                                            ^\n"},
    {"SizeWithB", with_top("defaults: { body_limit: 20MB }\n"),
     "viaduct.yaml:9:25: defaults.body_limit: \"20MB\" is no size; write 20m (units: k, m, g)\n"
     "defaults: { body_limit: 20MB }\n"
     "                        ^\n"},
    {"SizeOutOfRange", with_top("client: { max_head_size: 10 }\n"),
     "viaduct.yaml:9:26: client.max_head_size: 10 is out of range; write 1k to 1m\n"
     "client: { max_head_size: 10 }\n"
     "                         ^\n"},
    {"NumberOutOfRange", with_top("client: { max_fields: 0, max_connections: 1000001 }\n"),
     "viaduct.yaml:9:23: client.max_fields: 0 is out of range; write 1 to 10000\n"
     "client: { max_fields: 0, max_connections: 1000001 }\n"
     "                      ^\n"
     "viaduct.yaml:9:43: client.max_connections: 1000001 is out of range; write 1 to 1000000\n"
     "client: { max_fields: 0, max_connections: 1000001 }\n"
     "                                          ^\n"},
    {"NumberWithLeadingZero", with_top("client: { max_fields: 0100 }\n"),
     "viaduct.yaml:9:23: client.max_fields: \"0100\" is no whole number; write digits alone\n"
     "client: { max_fields: 0100 }\n"
     "                      ^\n"},
    {"NullWhereNoneIs", with_top("client: { max_fields: null, idle_timeout: }\n"),
     "viaduct.yaml:9:23: client.max_fields: this should be a number, but it is nothing; write a value, or delete the "
     "key\n"
     "client: { max_fields: null, idle_timeout: }\n"
     "                      ^\n"
     "viaduct.yaml:9:43: client.idle_timeout: this should be a duration, but it is nothing; write a value, or delete "
     "the key\n"
     "client: { max_fields: null, idle_timeout: }\n"
     "                                          ^\n"},
    {"BooleanOfYaml11",
     "listeners: [{ address: \":80\", redirect_to_https: yes, tls: maybe }]\n"
     "sites:\n"
     "  - { hosts: [a.example.com], routes: [{ match: { prefix: / }, respond: {} }] }\n",
     "viaduct.yaml:1:50: listeners[0].redirect_to_https: \"yes\" is neither true nor false; write true\n"
     "listeners: [{ address: \":80\", redirect_to_https: yes, tls: maybe }]\n"
     "                                                 ^\n"
     "viaduct.yaml:1:60: listeners[0].tls: \"maybe\" is neither true nor false; write one of them\n"
     "listeners: [{ address: \":80\", redirect_to_https: yes, tls: maybe }]\n"
     "                                                           ^\n"},
    {"ListForAValue", with_top("client: { max_fields: [1, 2] }\n"),
     "viaduct.yaml:9:23: client.max_fields: this should be a number, but it is a list; write one value\n"
     "client: { max_fields: [1, 2] }\n"
     "                      ^\n"},
    {"ValueForAMap", with_top("client: 10s\n"),
     "viaduct.yaml:9:9: client: this should be a map of keys and values, but it is text; write its keys below it, "
     "indented, or as { key: value }\n"
     "client: 10s\n"
     "        ^\n"},
    {"MapForAList",
     "listeners: { address: \":80\" }\n"
     "sites:\n"
     "  - { hosts: [a.example.com], routes: [{ match: { prefix: / }, respond: {} }] }\n",
     "viaduct.yaml:1:12: listeners: this should be a list of maps, but it is a map; put it into [ ], or behind \"- \" "
     "on its own line\n"
     "listeners: { address: \":80\" }\n"
     "           ^\n"},
    {"Choice", with_routes("      - { match: { prefix: / }, upstream: app, forwarded: replaced }\n"),
     "viaduct.yaml:8:59: sites[0].routes[0].forwarded: \"replaced\" is not one of replace, append or off; did you mean "
     "\"replace\"?\n"
     "      - { match: { prefix: / }, upstream: app, forwarded: replaced }\n"
     "                                                          ^\n"},
    {"TlsVersion", with_top("tls: { min_version: TLSv1.2, max_version: 1.4 }\n"),
     "viaduct.yaml:9:21: tls.min_version: \"TLSv1.2\" is not one of 1.0, 1.1, 1.2 or 1.3; did you mean \"1.2\"?\n"
     "tls: { min_version: TLSv1.2, max_version: 1.4 }\n"
     "                    ^\n"
     "viaduct.yaml:9:43: tls.max_version: \"1.4\" is not one of 1.0, 1.1, 1.2 or 1.3; choose one of them\n"
     "tls: { min_version: TLSv1.2, max_version: 1.4 }\n"
     "                                          ^\n"},
    {"WorkersOutOfRange", with_top("process: { workers: 0 }\n"),
     "viaduct.yaml:9:21: process.workers: 0 is out of range; write 1 to 256\n"
     "process: { workers: 0 }\n"
     "                    ^\n"},
    {"BalanceOfAnotherSystem",
     "listeners: [{ address: \":80\" }]\n"
     "upstreams: { app: { servers: [\"http://a.example.com\"], balance: roundrobin } }\n"
     "sites:\n"
     "  - { hosts: [a.example.com], routes: [{ match: { prefix: / }, upstream: app }] }\n",
     "viaduct.yaml:2:65: upstreams.app.balance: \"roundrobin\" is not one of round_robin, least_requests, hash "
     "client_ip, hash path or hash header:NAME; did you mean \"round_robin\"?\n"
     "upstreams: { app: { servers: [\"http://a.example.com\"], balance: roundrobin } }\n"
     "                                                                ^\n"},
};

INSTANTIATE_TEST_SUITE_P(Load, BrokenKey, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace viaduct::config

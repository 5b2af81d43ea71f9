// SPDX-License-Identifier: Apache-2.0
// Configs with values that are no address, path, name, variable or pair.
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

class BrokenValue : public testing::TestWithParam<Row> {};

TEST_P(BrokenValue, IsToldWithPlaceAndRemedy) {
  EXPECT_EQ(support::problems_of(GetParam().text), GetParam().problems);
}

const Row kRows[] = {
    {"Address",
     "listeners:\n"
     "  - { address: 80 }\n"
     "  - { address: \"*:80\" }\n"
     "  - { address: \"http://0.0.0.0:80\" }\n"
     "  - { address: \"0.0.0.0:65536\" }\n"
     "  - { address: \"::1\" }\n"
     "  - { address: \"unix:relative\" }\n"
     "sites:\n"
     "  - { hosts: [a.example.com], routes: [{ match: { prefix: / }, respond: {} }] }\n",
     "viaduct.yaml:2:16: listeners[0].address: \"80\" is no address to listen on; write \":80\" for both families\n"
     "  - { address: 80 }\n"
     "               ^\n"
     "viaduct.yaml:3:16: listeners[1].address: \"*:80\" is no address to listen on; write \":80\" for both families\n"
     "  - { address: \"*:80\" }\n"
     "               ^\n"
     "viaduct.yaml:4:16: listeners[2].address: \"http://0.0.0.0:80\" is no address to listen on; an address has no "
     "scheme; write one like \"0.0.0.0:443\", and tls: true for https\n"
     "  - { address: \"http://0.0.0.0:80\" }\n"
     "               ^\n"
     "viaduct.yaml:5:16: listeners[3].address: \"0.0.0.0:65536\" is no address to listen on; the port is a number from "
     "0 to 65535\n"
     "  - { address: \"0.0.0.0:65536\" }\n"
     "               ^\n"
     "viaduct.yaml:6:16: listeners[4].address: \"::1\" is no address to listen on; write \"[::1]:443\", with brackets "
     "and a port\n"
     "  - { address: \"::1\" }\n"
     "               ^\n"
     "viaduct.yaml:7:16: listeners[5].address: \"unix:relative\" is not absolute; write unix:/path\n"
     "  - { address: \"unix:relative\" }\n"
     "               ^\n"},
    {"ServerUrl",
     "listeners: [{ address: \":80\" }]\n"
     "upstreams:\n"
     "  app:\n"
     "    servers:\n"
     "      - 127.0.0.1:8000\n"
     "      - http://127.0.0.1:8000/\n"
     "      - http://127.0.0.1:8000/api\n"
     "      - ftp://127.0.0.1\n"
     "      - http://a_b$:1\n"
     "      - { weight: 2 }\n"
     "      - { url: \"http://127.0.0.1:0\" }\n"
     "sites:\n"
     "  - { hosts: [a.example.com], routes: [{ match: { prefix: / }, upstream: app }] }\n",
     "viaduct.yaml:5:9: upstreams.app.servers[0].url: \"127.0.0.1:8000\" has no scheme; write http://127.0.0.1:8000\n"
     "      - 127.0.0.1:8000\n"
     "        ^\n"
     "viaduct.yaml:6:9: upstreams.app.servers[1].url: \"http://127.0.0.1:8000/\" has a path, but paths are forwarded "
     "as they come; write http://127.0.0.1:8000, and rewrite to change them\n"
     "      - http://127.0.0.1:8000/\n"
     "        ^\n"
     "viaduct.yaml:7:9: upstreams.app.servers[2].url: \"http://127.0.0.1:8000/api\" has a path, but paths are "
     "forwarded as they come; write http://127.0.0.1:8000, and rewrite to change them\n"
     "      - http://127.0.0.1:8000/api\n"
     "        ^\n"
     "viaduct.yaml:8:9: upstreams.app.servers[3].url: \"ftp://127.0.0.1\" has the scheme ftp, which is not spoken "
     "here; write one like http://10.0.0.6:8000, https://example.com or unix:/path\n"
     "      - ftp://127.0.0.1\n"
     "        ^\n"
     "viaduct.yaml:9:9: upstreams.app.servers[4].url: \"http://a_b$:1\" is no server; write one like "
     "http://10.0.0.6:8000, https://example.com or unix:/path\n"
     "      - http://a_b$:1\n"
     "        ^\n"
     "viaduct.yaml:10:9: upstreams.app.servers[5].url: \"url\" is missing; add it\n"
     "      - { weight: 2 }\n"
     "        ^\n"
     "viaduct.yaml:11:16: upstreams.app.servers[6].url: \"http://127.0.0.1:0\" has no port from 1 to 65535; write one "
     "like http://127.0.0.1:8000\n"
     "      - { url: \"http://127.0.0.1:0\" }\n"
     "               ^\n"},
    {"Hosts",
     "listeners: [{ address: \":80\" }]\n"
     "sites:\n"
     "  - hosts: [\"*\", \"https://a.example.com/\", \"a.example.com:443\", \"支付.example.com\", \"a.*.com\", "
     "\"a.example.com/x\", 7, \"a..b\"]\n"
     "    routes: [{ match: { prefix: / }, respond: {} }]\n",
     "viaduct.yaml:3:13: sites[0].hosts[0]: \"*\" is no host; write default: true for a site that takes every host\n"
     "  - hosts: [\"*\", \"https://a.example.com/\", \"a.example.com:443\", \"支付.example.com\", \"a.*.com\", "
     "\"a.example.com/x\", 7, \"a..b\"]\n"
     "            ^\n"
     "viaduct.yaml:3:18: sites[0].hosts[1]: \"https://a.example.com/\" is a URL; write the host alone: a.example.com\n"
     "  - hosts: [\"*\", \"https://a.example.com/\", \"a.example.com:443\", \"支付.example.com\", \"a.*.com\", "
     "\"a.example.com/x\", 7, \"a..b\"]\n"
     "                 ^\n"
     "viaduct.yaml:3:44: sites[0].hosts[2]: \"a.example.com:443\" has a port; hosts compare without port, so write "
     "a.example.com\n"
     "  - hosts: [\"*\", \"https://a.example.com/\", \"a.example.com:443\", \"支付.example.com\", \"a.*.com\", "
     "\"a.example.com/x\", 7, \"a..b\"]\n"
     "                                           ^\n"
     "viaduct.yaml:3:65: sites[0].hosts[3]: \"支付.example.com\" has letters outside ASCII; write its xn-- form, as "
     "clients send it\n"
     "  - hosts: [\"*\", \"https://a.example.com/\", \"a.example.com:443\", \"支付.example.com\", \"a.*.com\", "
     "\"a.example.com/x\", 7, \"a..b\"]\n"
     "                                                                ^\n"
     "viaduct.yaml:3:83: sites[0].hosts[4]: \"a.*.com\" has a * where none can be; write it as the first label alone: "
     "*.example.com\n"
     "  - hosts: [\"*\", \"https://a.example.com/\", \"a.example.com:443\", \"支付.example.com\", \"a.*.com\", "
     "\"a.example.com/x\", 7, \"a..b\"]\n"
     "                                                                                    ^\n"
     "viaduct.yaml:3:94: sites[0].hosts[5]: \"a.example.com/x\" holds a path; write the host alone, the path in match\n"
     "  - hosts: [\"*\", \"https://a.example.com/\", \"a.example.com:443\", \"支付.example.com\", \"a.*.com\", "
     "\"a.example.com/x\", 7, \"a..b\"]\n"
     "                                                                                               ^\n"
     "viaduct.yaml:3:113: sites[0].hosts[6]: \"7\" is no host name; write one like www.example.com or *.example.com\n"
     "  - hosts: [\"*\", \"https://a.example.com/\", \"a.example.com:443\", \"支付.example.com\", \"a.*.com\", "
     "\"a.example.com/x\", 7, \"a..b\"]\n"
     "                                                                                                                 "
     " ^\n"
     "viaduct.yaml:3:116: sites[0].hosts[7]: \"a..b\" is no host name; write one like www.example.com or "
     "*.example.com\n"
     "  - hosts: [\"*\", \"https://a.example.com/\", \"a.example.com:443\", \"支付.example.com\", \"a.*.com\", "
     "\"a.example.com/x\", 7, \"a..b\"]\n"
     "                                                                                                                 "
     "    ^\n"},
    {"Paths",
     with_routes("      - match: { exact: [api, \"/a?b=1\", \"/a#b\", \"/a/*\", \"/%E6%94%AF\", \"/a/../b\", "
                 "\"/a//b\", \"/a\\\\b\", \"\"] }\n"
                 "        upstream: app\n"),
     "viaduct.yaml:8:26: sites[0].routes[0].match.exact[0]: \"api\" does not start with a slash; write /api\n"
     "      - match: { exact: [api, \"/a?b=1\", \"/a#b\", \"/a/*\", \"/%E6%94%AF\", \"/a/../b\", \"/a//b\", "
     "\"/a\\\\b\", \"\"] }\n"
     "                         ^\n"
     "viaduct.yaml:8:31: sites[0].routes[0].match.exact[1]: \"/a?b=1\" holds a query; write the path alone, and match: "
     "{ query: { NAME: VALUE } }\n"
     "      - match: { exact: [api, \"/a?b=1\", \"/a#b\", \"/a/*\", \"/%E6%94%AF\", \"/a/../b\", \"/a//b\", "
     "\"/a\\\\b\", \"\"] }\n"
     "                              ^\n"
     "viaduct.yaml:8:41: sites[0].routes[0].match.exact[2]: \"/a#b\" holds a fragment, which clients never send; "
     "delete it\n"
     "      - match: { exact: [api, \"/a?b=1\", \"/a#b\", \"/a/*\", \"/%E6%94%AF\", \"/a/../b\", \"/a//b\", "
     "\"/a\\\\b\", \"\"] }\n"
     "                                        ^\n"
     "viaduct.yaml:8:49: sites[0].routes[0].match.exact[3]: \"/a/*\" holds a *, which has no meaning in a path; write "
     "a prefix (/x/) or a regex\n"
     "      - match: { exact: [api, \"/a?b=1\", \"/a#b\", \"/a/*\", \"/%E6%94%AF\", \"/a/../b\", \"/a//b\", "
     "\"/a\\\\b\", \"\"] }\n"
     "                                                ^\n"
     "viaduct.yaml:8:57: sites[0].routes[0].match.exact[4]: \"/%E6%94%AF\" is escaped, but paths here are decoded; "
     "write \"/支\"\n"
     "      - match: { exact: [api, \"/a?b=1\", \"/a#b\", \"/a/*\", \"/%E6%94%AF\", \"/a/../b\", \"/a//b\", "
     "\"/a\\\\b\", \"\"] }\n"
     "                                                        ^\n"
     "viaduct.yaml:8:71: sites[0].routes[0].match.exact[5]: \"/a/../b\" has a dot segment; write the path without it\n"
     "      - match: { exact: [api, \"/a?b=1\", \"/a#b\", \"/a/*\", \"/%E6%94%AF\", \"/a/../b\", \"/a//b\", "
     "\"/a\\\\b\", \"\"] }\n"
     "                                                                      ^\n"
     "viaduct.yaml:8:82: sites[0].routes[0].match.exact[6]: \"/a//b\" has an empty segment; write one slash instead of "
     "two\n"
     "      - match: { exact: [api, \"/a?b=1\", \"/a#b\", \"/a/*\", \"/%E6%94%AF\", \"/a/../b\", \"/a//b\", "
     "\"/a\\\\b\", \"\"] }\n"
     "                                                                                 ^\n"
     "viaduct.yaml:8:91: sites[0].routes[0].match.exact[7]: \"/a\\b\" has a backslash; write /\n"
     "      - match: { exact: [api, \"/a?b=1\", \"/a#b\", \"/a/*\", \"/%E6%94%AF\", \"/a/../b\", \"/a//b\", "
     "\"/a\\\\b\", \"\"] }\n"
     "                                                                                          ^\n"
     "viaduct.yaml:8:100: sites[0].routes[0].match.exact[8]: the path is empty; write / for all paths\n"
     "      - match: { exact: [api, \"/a?b=1\", \"/a#b\", \"/a/*\", \"/%E6%94%AF\", \"/a/../b\", \"/a//b\", "
     "\"/a\\\\b\", \"\"] }\n"
     "                                                                                                   ^\n"},
    {"Regex", with_routes("      - { match: { regex: [\"\", \"~ ^/x\"] }, upstream: app }\n"),
     "viaduct.yaml:8:28: sites[0].routes[0].match.regex[0]: the regular expression is empty; write one, or prefix: / "
     "for all paths\n"
     "      - { match: { regex: [\"\", \"~ ^/x\"] }, upstream: app }\n"
     "                           ^\n"
     "viaduct.yaml:8:32: sites[0].routes[0].match.regex[1]: \"~ ^/x\" starts with nginx's ~; write the expression "
     "alone, (?i) in front for no case\n"
     "      - { match: { regex: [\"\", \"~ ^/x\"] }, upstream: app }\n"
     "                               ^\n"},
    {"Methods",
     with_routes("      - { match: { prefix: /, methods: [get, POTS, CONNECT, any, p@st] }, upstream: app }\n"),
     "viaduct.yaml:8:41: sites[0].routes[0].match.methods[0]: \"get\" is no method; did you mean \"GET\"?\n"
     "      - { match: { prefix: /, methods: [get, POTS, CONNECT, any, p@st] }, upstream: app }\n"
     "                                        ^\n"
     "viaduct.yaml:8:46: sites[0].routes[0].match.methods[1]: \"POTS\" is no method; did you mean \"POST\"?\n"
     "      - { match: { prefix: /, methods: [get, POTS, CONNECT, any, p@st] }, upstream: app }\n"
     "                                             ^\n"
     "viaduct.yaml:8:52: sites[0].routes[0].match.methods[2]: CONNECT asks for a tunnel, which is never given; delete "
     "it\n"
     "      - { match: { prefix: /, methods: [get, POTS, CONNECT, any, p@st] }, upstream: app }\n"
     "                                                   ^\n"
     "viaduct.yaml:8:61: sites[0].routes[0].match.methods[3]: \"any\" is no method; leave methods out to take all\n"
     "      - { match: { prefix: /, methods: [get, POTS, CONNECT, any, p@st] }, upstream: app }\n"
     "                                                            ^\n"
     "viaduct.yaml:8:66: sites[0].routes[0].match.methods[4]: \"p@st\" is no method; did you mean \"POST\"?\n"
     "      - { match: { prefix: /, methods: [get, POTS, CONNECT, any, p@st] }, upstream: app }\n"
     "                                                                 ^\n"},
    {"Cidr",
     with_routes(
         "      - { match: { prefix: / }, upstream: app, allow: { addresses: [10.0.0.1/8, 10.0.0.0/33, app] } }\n"),
     "viaduct.yaml:8:69: sites[0].routes[0].allow.addresses[0]: \"10.0.0.1/8\" has bits behind its length; write "
     "10.0.0.0/8, or 10.0.0.1 for the one address\n"
     "      - { match: { prefix: / }, upstream: app, allow: { addresses: [10.0.0.1/8, 10.0.0.0/33, app] } }\n"
     "                                                                    ^\n"
     "viaduct.yaml:8:81: sites[0].routes[0].allow.addresses[1]: \"10.0.0.0/33\" is no address range; write one like "
     "10.0.0.0/8, 2001:db8::/32 or 192.0.2.1\n"
     "      - { match: { prefix: / }, upstream: app, allow: { addresses: [10.0.0.1/8, 10.0.0.0/33, app] } }\n"
     "                                                                                ^\n"
     "viaduct.yaml:8:94: sites[0].routes[0].allow.addresses[2]: \"app\" is no address range; write one like "
     "10.0.0.0/8, 2001:db8::/32 or 192.0.2.1\n"
     "      - { match: { prefix: / }, upstream: app, allow: { addresses: [10.0.0.1/8, 10.0.0.0/33, app] } }\n"
     "                                                                                             ^\n"},
    {"CorsOrigin",
     with_routes("      - { match: { prefix: / }, upstream: app, cors: { allow_origins: [www.example.com, "
                 "\"https://www.example.com/\", \"https://www.example.com:443\", \"https://a b\"] } }\n"),
     "viaduct.yaml:8:72: sites[0].routes[0].cors.allow_origins[0]: \"www.example.com\" has no scheme; browsers send "
     "it, so write https://www.example.com\n"
     "      - { match: { prefix: / }, upstream: app, cors: { allow_origins: [www.example.com, "
     "\"https://www.example.com/\", \"https://www.example.com:443\", \"https://a b\"\n"
     "                                                                       ^\n"
     "viaduct.yaml:8:89: sites[0].routes[0].cors.allow_origins[1]: \"https://www.example.com/\" goes on behind the "
     "host; browsers send scheme, host and port alone, so write https://www.example.com\n"
     "      - { match: { prefix: / }, upstream: app, cors: { allow_origins: [www.example.com, "
     "\"https://www.example.com/\", \"https://www.example.com:443\", \"https://a b\"\n"
     "                                                                                        ^\n"
     "viaduct.yaml:8:117: sites[0].routes[0].cors.allow_origins[2]: \"https://www.example.com:443\" has the default "
     "port, which browsers leave out; write https://www.example.com\n"
     "{ prefix: / }, upstream: app, cors: { allow_origins: [www.example.com, \"https://www.example.com/\", "
     "\"https://www.example.com:443\", \"https://a b\"] } }\n"
     "                                                                                                   ^\n"
     "viaduct.yaml:8:148: sites[0].routes[0].cors.allow_origins[3]: \"https://a b\" is no origin as CORS has it; write "
     "one like https://www.example.com or https://*.example.com\n"
     "ors: { allow_origins: [www.example.com, \"https://www.example.com/\", \"https://www.example.com:443\", "
     "\"https://a b\"] } }\n"
     "                                                                                                   ^\n"},
    {"RequestIdIsNotEdited",
     with_routes("      - { match: { prefix: / }, upstream: app, headers: { request: { remove: [X-Request-Id] } } }\n"),
     "viaduct.yaml:8:79: sites[0].routes[0].headers.request.remove[0]: X-Request-Id is the client's own or made here, "
     "and the same in request, answer and log; delete this\n"
     "      - { match: { prefix: / }, upstream: app, headers: { request: { remove: [X-Request-Id] } } }\n"
     "                                                                              ^\n"},
    {"FieldNames",
     with_routes("      - match: { prefix: /, headers: { \"X A\": 1 } }\n"
                 "        upstream: app\n"
                 "        headers:\n"
                 "          request: { set: { Host: x, Connection: close, \"X-A:\": y }, remove: [Content-Length] }\n"
                 "          response: { add: { Transfer-Encoding: chunked } }\n"),
     "viaduct.yaml:8:40: sites[0].routes[0].match.headers.X A: \"X A\" is no field name; write letters, digits and - "
     "alone\n"
     "      - match: { prefix: /, headers: { \"X A\": 1 } }\n"
     "                                       ^\n"
     "viaduct.yaml:11:29: sites[0].routes[0].headers.request.set.Host: Host is chosen by the upstream; write "
     "upstreams: NAME: host: HOST\n"
     "          request: { set: { Host: x, Connection: close, \"X-A:\": y }, remove: [Content-Length] }\n"
     "                            ^\n"
     "viaduct.yaml:11:38: sites[0].routes[0].headers.request.set.Connection: Connection belongs to the connection and "
     "says where a message ends, so no config edits it; delete this\n"
     "          request: { set: { Host: x, Connection: close, \"X-A:\": y }, remove: [Content-Length] }\n"
     "                                     ^\n"
     "viaduct.yaml:11:57: sites[0].routes[0].headers.request.set.X-A:: \"X-A:\" ends in a colon; write X-A\n"
     "          request: { set: { Host: x, Connection: close, \"X-A:\": y }, remove: [Content-Length] }\n"
     "                                                        ^\n"
     "viaduct.yaml:11:79: sites[0].routes[0].headers.request.remove[0]: Content-Length belongs to the connection and "
     "says where a message ends, so no config edits it; delete this\n"
     "          request: { set: { Host: x, Connection: close, \"X-A:\": y }, remove: [Content-Length] }\n"
     "                                                                              ^\n"
     "viaduct.yaml:12:30: sites[0].routes[0].headers.response.add.Transfer-Encoding: Transfer-Encoding belongs to the "
     "connection and says where a message ends, so no config edits it; delete this\n"
     "          response: { add: { Transfer-Encoding: chunked } }\n"
     "                             ^\n"},
    {"FieldValueWithALineEnd",
     with_routes("      - match: { prefix: / }\n"
                 "        upstream: app\n"
                 "        headers: { request: { set: { X-A: \"a\\nSet-Cookie: b\", X-B: \" a\" } } }\n"),
     "viaduct.yaml:10:43: sites[0].routes[0].headers.request.set.X-A: the value holds a line end or another control "
     "character; write one line\n"
     "        headers: { request: { set: { X-A: \"a\\nSet-Cookie: b\", X-B: \" a\" } } }\n"
     "                                          ^\n"
     "viaduct.yaml:10:68: sites[0].routes[0].headers.request.set.X-B: the value starts or ends with a space, which "
     "does not arrive; delete it\n"
     "        headers: { request: { set: { X-A: \"a\\nSet-Cookie: b\", X-B: \" a\" } } }\n"
     "                                                                   ^\n"},
    {"Variables",
     with_routes("      - match: { prefix: / }\n"
                 "        redirect: { to: \"https://${hots}${path}\" }\n"
                 "        headers: { response: { set: { X-A: \"${hots}\", X-B: \"${UNSET}\", X-C: \"${Mixed}\", X-D: "
                 "\"${HOME_NAME\" } } }\n"),
     "viaduct.yaml:9:25: sites[0].routes[0].redirect.to: ${hots} is no variable; did you mean \"host\"?\n"
     "        redirect: { to: \"https://${hots}${path}\" }\n"
     "                        ^\n"
     "viaduct.yaml:10:44: sites[0].routes[0].headers.response.set.X-A: ${hots} is no variable; did you mean \"host\"?\n"
     "        headers: { response: { set: { X-A: \"${hots}\", X-B: \"${UNSET}\", X-C: \"${Mixed}\", X-D: "
     "\"${HOME_NAME\" } } }\n"
     "                                           ^\n"
     "viaduct.yaml:10:60: sites[0].routes[0].headers.response.set.X-B: the environment variable UNSET is not set; set "
     "it, or give a default: ${UNSET:-default}\n"
     "        headers: { response: { set: { X-A: \"${hots}\", X-B: \"${UNSET}\", X-C: \"${Mixed}\", X-D: "
     "\"${HOME_NAME\" } } }\n"
     "                                                           ^\n"
     "viaduct.yaml:10:77: sites[0].routes[0].headers.response.set.X-C: ${Mixed} is no variable; write ${NAME} or "
     "${NAME:-default} for the environment, in capitals\n"
     "        headers: { response: { set: { X-A: \"${hots}\", X-B: \"${UNSET}\", X-C: \"${Mixed}\", X-D: "
     "\"${HOME_NAME\" } } }\n"
     "                                                                            ^\n"
     "viaduct.yaml:10:94: sites[0].routes[0].headers.response.set.X-D: a ${ is never closed; add }\n"
     "        headers: { response: { set: { X-A: \"${hots}\", X-B: \"${UNSET}\", X-C: \"${Mixed}\", X-D: "
     "\"${HOME_NAME\" } } }\n"
     "                                                                                             ^\n"},
    {"SecretFile",
     with_routes("      - match: { prefix: /, headers: { X-A: \"file:x\" } }\n"
                 "        upstream: app\n"
                 "        headers: { request: { set: { X-A: \"file:/nowhere/secret\" } } }\n"),
     "viaduct.yaml:8:45: sites[0].routes[0].match.headers.X-A: file: is for secrets in headers: set and add; write the "
     "value itself\n"
     "      - match: { prefix: /, headers: { X-A: \"file:x\" } }\n"
     "                                            ^\n"
     "viaduct.yaml:10:43: sites[0].routes[0].headers.request.set.X-A: cannot read /nowhere/secret: No such file or "
     "directory; check the path\n"
     "        headers: { request: { set: { X-A: \"file:/nowhere/secret\" } } }\n"
     "                                          ^\n"},
    {"RedirectStatusAndTarget",
     with_routes("      - { match: { prefix: / }, redirect: { to: \"www.example.com\", status: 200 } }\n"),
     "viaduct.yaml:8:49: sites[0].routes[0].redirect.to: \"www.example.com\" is no target; write https://HOST/PATH or "
     "a path that starts with one slash\n"
     "      - { match: { prefix: / }, redirect: { to: \"www.example.com\", status: 200 } }\n"
     "                                                ^\n"
     "viaduct.yaml:8:76: sites[0].routes[0].redirect.status: \"200\" is no status of a redirect; write 301 or 308 (for "
     "good), 302, 303 or 307 (for now)\n"
     "      - { match: { prefix: / }, redirect: { to: \"www.example.com\", status: 200 } }\n"
     "                                                                           ^\n"},
    {"RespondStatus", with_routes("      - { match: { prefix: / }, respond: { status: 103 } }\n"),
     "viaduct.yaml:8:52: sites[0].routes[0].respond.status: 103 is out of range; write 200 to 599\n"
     "      - { match: { prefix: / }, respond: { status: 103 } }\n"
     "                                                   ^\n"},
    {"ErrorPages",
     with_top("errors:\n"
              "  \"200-299\": { file: viaduct.yaml }\n"
              "  \"504-502\": { file: viaduct.yaml }\n"
              "  five: { file: viaduct.yaml }\n"
              "  \"500-502\": { file: /nowhere/page.html }\n"
              "  502: {}\n"),
     "viaduct.yaml:10:3: errors.200-299: an error page is for answers from 400 to 599; write such statuses\n"
     "  \"200-299\": { file: viaduct.yaml }\n"
     "  ^\n"
     "viaduct.yaml:10:22: errors.200-299.file: cannot read /nonexistent/etc/viaduct.yaml: No such file or directory; "
     "check the path\n"
     "  \"200-299\": { file: viaduct.yaml }\n"
     "                     ^\n"
     "viaduct.yaml:11:3: errors.504-502: \"504-502\" runs backwards; write 502-504\n"
     "  \"504-502\": { file: viaduct.yaml }\n"
     "  ^\n"
     "viaduct.yaml:11:22: errors.504-502.file: cannot read /nonexistent/etc/viaduct.yaml: No such file or directory; "
     "check the path\n"
     "  \"504-502\": { file: viaduct.yaml }\n"
     "                     ^\n"
     "viaduct.yaml:12:3: errors.five: \"five\" is no status and no range of statuses; write one like 502 or "
     "\"502-504\"\n"
     "  five: { file: viaduct.yaml }\n"
     "  ^\n"
     "viaduct.yaml:12:17: errors.five.file: cannot read /nonexistent/etc/viaduct.yaml: No such file or directory; "
     "check the path\n"
     "  five: { file: viaduct.yaml }\n"
     "                ^\n"
     "viaduct.yaml:13:22: errors.500-502.file: cannot read /nowhere/page.html: No such file or directory; check the "
     "path\n"
     "  \"500-502\": { file: /nowhere/page.html }\n"
     "                     ^\n"
     "viaduct.yaml:14:3: errors.502: 502 overlaps 500-502; let every status stand once\n"
     "  502: {}\n"
     "  ^\n"
     "viaduct.yaml:14:8: errors.502.file: \"file\" is missing; add it\n"
     "  502: {}\n"
     "       ^\n"},
    {"LogFormat", with_top("logs: { access: { format: jsn }, error: { level: warn } }\n"),
     "viaduct.yaml:9:27: logs.access.format: \"jsn\" is neither json nor combined nor text with ${field}; did you mean "
     "\"json\"?\n"
     "logs: { access: { format: jsn }, error: { level: warn } }\n"
     "                          ^\n"
     "viaduct.yaml:9:50: logs.error.level: \"warn\" is not one of debug, info, warning or error; did you mean "
     "\"warning\"?\n"
     "logs: { access: { format: jsn }, error: { level: warn } }\n"
     "                                                 ^\n"},
    {"LogTemplateField", with_top("logs: { access: { format: \"${client_ip} ${stauts}\" } }\n"),
     "viaduct.yaml:9:27: logs.access.format: ${stauts} is no variable; did you mean \"status\"?\n"
     "logs: { access: { format: \"${client_ip} ${stauts}\" } }\n"
     "                          ^\n"},
    {"HealthAddress", with_top("admin: { health: \":9180\" }\n"),
     "viaduct.yaml:9:18: admin.health: \":9180\" is no address with a port; write one like \"127.0.0.1:9180\" or "
     "\"0.0.0.0:9180\"\n"
     "admin: { health: \":9180\" }\n"
     "                 ^\n"},
    {"RateAndKey",
     with_routes("      - { match: { prefix: / }, upstream: app, rate_limit: { rate: 50, key: client } }\n"),
     "viaduct.yaml:8:68: sites[0].routes[0].rate_limit.rate: \"50\" is no rate; write a number and a time, like 50/s, "
     "10/m or 5/h\n"
     "      - { match: { prefix: / }, upstream: app, rate_limit: { rate: 50, key: client } }\n"
     "                                                                   ^\n"
     "viaduct.yaml:8:77: sites[0].routes[0].rate_limit.key: \"client\" is not one of client_ip, route or header:NAME; "
     "did you mean \"client_ip\"?\n"
     "      - { match: { prefix: / }, upstream: app, rate_limit: { rate: 50, key: client } }\n"
     "                                                                            ^\n"},
    {"RetryBudget",
     with_routes("      - { match: { prefix: / }, upstream: app, retry: { attempts: 0, budget: 10 } }\n"),
     "viaduct.yaml:8:67: sites[0].routes[0].retry.attempts: 0 is out of range; write 1 to 10\n"
     "      - { match: { prefix: / }, upstream: app, retry: { attempts: 0, budget: 10 } }\n"
     "                                                                  ^\n"
     "viaduct.yaml:8:78: sites[0].routes[0].retry.budget: \"10\" is no percentage; write 0% to 100%, like 10%\n"
     "      - { match: { prefix: / }, upstream: app, retry: { attempts: 0, budget: 10 } }\n"
     "                                                                             ^\n"},
    {"Rewrite",
     with_routes("      - { match: { prefix: / }, upstream: app, rewrite: { prefix: [/a], strip_prefix: /x } }\n"),
     "viaduct.yaml:8:67: sites[0].routes[0].rewrite.prefix: this should be two texts, but it is a list of 1; write "
     "[/from, /to]\n"
     "      - { match: { prefix: / }, upstream: app, rewrite: { prefix: [/a], strip_prefix: /x } }\n"
     "                                                                  ^\n"
     "viaduct.yaml:8:73: sites[0].routes[0].rewrite.strip_prefix: \"strip_prefix\" and \"prefix\" (line 8) exclude "
     "each other; keep one of strip_prefix, prefix or regex\n"
     "      - { match: { prefix: / }, upstream: app, rewrite: { prefix: [/a], strip_prefix: /x } }\n"
     "                                                                        ^\n"},
    {"Provider", with_routes("      - { match: { exact: /p }, upstream: app, callback: wechatpay }\n"),
     "viaduct.yaml:8:58: sites[0].routes[0].callback: \"wechatpay\" is not one of wechat_pay_v3, wechat_pay_v2, "
     "wechat_push, alipay or generic; choose one of them\n"
     "      - { match: { exact: /p }, upstream: app, callback: wechatpay }\n"
     "                                                         ^\n"},
    {"UpstreamName",
     "listeners: [{ address: \":80\" }]\n"
     "upstreams: { \"my app\": { servers: [\"http://a.example.com\"] } }\n"
     "sites:\n"
     "  - { hosts: [a.example.com], routes: [{ match: { prefix: / }, upstream: \"my app\" }] }\n",
     "viaduct.yaml:2:14: upstreams.my app: \"my app\" is no name; write at most 64 letters, digits, \".\", \"_\" or "
     "\"-\"\n"
     "upstreams: { \"my app\": { servers: [\"http://a.example.com\"] } }\n"
     "             ^\n"},
};

INSTANTIATE_TEST_SUITE_P(Load, BrokenValue, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace viaduct::config

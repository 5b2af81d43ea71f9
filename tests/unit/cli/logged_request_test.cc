// SPDX-License-Identifier: Apache-2.0
#include "cli/logged_request.h"

#include <gtest/gtest.h>

namespace viaduct::cli {
namespace {

std::string told(std::string_view line) {
  const auto request = read_logged_request(line);
  if (!request) return "none";
  return request->method + "|" + request->host + "|" + request->target + "|" + request->client_ip + "|" +
         std::to_string(request->status);
}

TEST(LoggedRequest, ReadsCombinedLinesOfAllServers) {
  struct Row {
    std::string_view line;
    std::string_view told;
  };
  const Row rows[] = {
      // nginx, Apache
      {R"(192.0.2.1 - - [28/Nov/2026:09:00:00 +0800] "GET /a?b=c HTTP/1.1" 200 12 "-" "curl/8")",
       "GET||/a?b=c|192.0.2.1|200"},
      {R"(192.0.2.1 - frank jr [28/Nov/2026:09:00:00 +0800] "POST /a HTTP/2.0" 502 12)", "POST||/a|192.0.2.1|502"},
      // lighttpd
      {R"(192.0.2.1 www.example.com - [28/Nov/2026:09:00:00 +0800] "GET / HTTP/1.0" 304 0 "-" "x")",
       "GET|www.example.com|/|192.0.2.1|304"},
      // Apache's vhost_combined
      {R"(www.example.com:443 2001:db8::1 - - [28/Nov/2026:09:00:00 +0800] "GET /x HTTP/1.1" 200 5 "-" "x")",
       "GET|www.example.com:443|/x|2001:db8::1|200"},
      // a proxy's client, a target that is none of HTTP's, HTTP/0.9
      {R"(192.0.2.1 - - [t] "GET http://a.test/p?q HTTP/1.1" 200 5)", "GET|a.test|/p?q|192.0.2.1|200"},
      {R"(192.0.2.1 - - [t] "GET HTTP://a.test HTTP/1.1" 200 5)", "GET|a.test|/|192.0.2.1|200"},
      {R"(192.0.2.1 - - [t] "OPTIONS * HTTP/1.1" 200 5)", "OPTIONS||*|192.0.2.1|200"},
      {R"(192.0.2.1 - - [t] "GET /old" 200 5)", "GET||/old|192.0.2.1|200"},
      {R"(192.0.2.1 - - [t] "GET /a b HTTP/1.1" 400 5)", "GET||/a b|192.0.2.1|400"},
      // escapes of nginx, of Apache
      {R"(192.0.2.1 - - [t] "GET /\x22\xE6\x94\xaf HTTP/1.1" 200 5)", "GET||/\"\xe6\x94\xaf|192.0.2.1|200"},
      {R"(192.0.2.1 - - [t] "GET /a\"b\\c HTTP/1.1" 200 5)", "GET||/a\"b\\c|192.0.2.1|200"},
  };
  for (const Row& row : rows) EXPECT_EQ(told(row.line), row.told) << row.line;
}

TEST(LoggedRequest, ReadsJson) {
  const auto request = read_logged_request(
      R"({"time":"2026","client_ip":"192.0.2.1","site":"www.example.com","route":"api","method":"GET",)"
      R"("host":"www.example.com","path":"/api/x","query":"a=***","status":200,"upstream":"app","reason":""})");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->target, "/api/x?a=***");
  EXPECT_EQ(request->status, 200);
  EXPECT_TRUE(request->is_decided);
  EXPECT_EQ(request->site, "www.example.com");
  EXPECT_EQ(request->route, "api");
  EXPECT_EQ(request->upstream, "app");
  EXPECT_EQ(told(R"({"method":"GET","path":"/","status":null})"), "GET||/||0");
  EXPECT_FALSE(read_logged_request(R"({"method":"GET","path":"/","status":1})")->is_decided);
}

TEST(LoggedRequest, RefusesEverythingElse) {
  for (const std::string_view line :
       {"", "x", "{", "{}", "[]", R"({"method":"","path":"/"})", R"({"method":7,"path":"/"})", "a b c [t] ",
        R"(192.0.2.1 - - [t] "-" 400 0)", R"(192.0.2.1 - - [t] "" 400 0)", R"(192.0.2.1 - - [t] "\x16\x03\x01" 400 0)",
        R"(192.0.2.1 - - [t] "GET / HTTP/1.1)", R"(192.0.2.1 - - [t] "GET / HTTP/1.1")",
        R"(192.0.2.1 - - [t] "GET / HTTP/1.1" x 0)", R"(192.0.2.1 - - [t] "GET / HTTP/1.1" 200x 0)",
        R"(192.0.2.1 - - "GET / HTTP/1.1" 200 0)", R"(- [t] "GET / HTTP/1.1" 200 0)",
        R"(192.0.2.1 - - [t] "CONNECT a.test:443 HTTP/1.1" 405 0)", R"(192.0.2.1 - - [t] "GET /\)"}) {
    EXPECT_EQ(told(line), "none") << line;
  }
}

TEST(LoggedRequest, ReadsLinesUpToItsLimit) {
  const std::string start = R"(192.0.2.1 - - [t] "GET /)";
  const std::string end = R"( HTTP/1.1" 200 0)";
  const std::size_t room = kLogLineBytesMax - start.size() - end.size();
  EXPECT_TRUE(read_logged_request(start + std::string(room, 'a') + end).has_value());
  EXPECT_FALSE(read_logged_request(start + std::string(room + 1, 'a') + end).has_value());
}

}  // namespace
}  // namespace viaduct::cli

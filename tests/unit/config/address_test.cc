// SPDX-License-Identifier: Apache-2.0
#include "config/address.h"

#include <gtest/gtest.h>

namespace viaduct::config {
namespace {

std::string show(const std::vector<base::SocketAddress>& addresses) {
  std::string text;
  for (const base::SocketAddress& address : addresses) text += (text.empty() ? "" : " ") + address.to_string();
  return text;
}

TEST(ParseListenerAddress, TakesEveryForm) {
  const struct {
    const char* text;
    const char* addresses;
  } rows[] = {
      {"0.0.0.0:80", "0.0.0.0:80"},
      {"[::]:443", "[::]:443"},
      {"[::1]:0", "[::1]:0"},
      {"127.0.0.1:65535", "127.0.0.1:65535"},
      {":443", "[::]:443 0.0.0.0:443"},
      {":0", "[::]:0 0.0.0.0:0"},
      {"unix:/run/viaduct/http.sock", "unix:/run/viaduct/http.sock"},
  };
  for (const auto& row : rows) {
    const auto addresses = parse_listener_address(row.text);
    ASSERT_TRUE(addresses.has_value()) << row.text << addresses.error();
    EXPECT_EQ(show(*addresses), row.addresses);
  }
}

TEST(ParseListenerAddress, RefusesWithARemedy) {
  const struct {
    const char* text;
    const char* remedy;
  } rows[] = {
      {"", "write one like"},
      {"80", "write \":80\""},
      {"0.0.0.0", "with a port"},
      {"::1", "[::1]:443"},
      {"*:80", "write \":80\""},
      {"localhost:80", "127.0.0.1:80"},
      {"example.com:80", "write one like"},
      {"0.0.0.0:65536", "0 to 65535"},
      {"0.0.0.0:080", "0 to 65535"},
      {":x", "no port"},
      {"::1:80", "with brackets and a port"},
      {"http://0.0.0.0:80", "no scheme"},
      {"unix:", "not absolute"},
      {"unix:run/x", "not absolute"},
  };
  for (const auto& row : rows) {
    const auto addresses = parse_listener_address(row.text);
    ASSERT_FALSE(addresses.has_value()) << row.text;
    EXPECT_TRUE(addresses.error().contains(row.remedy)) << row.text << ": " << addresses.error();
  }
}

TEST(ParseListenerAddress, BoundsThePathOfAUnixSocket) {
  EXPECT_TRUE(parse_listener_address("unix:/" + std::string(106, 'x')).has_value());
  EXPECT_EQ(parse_listener_address("unix:/" + std::string(107, 'x')).error(),
            "the path of a Unix socket has at most 107 bytes, this has 108; shorten it");
}

TEST(ParseSocketAddress, WantsOneAddressWithAPort) {
  EXPECT_EQ(parse_socket_address("127.0.0.1:9180")->to_string(), "127.0.0.1:9180");
  EXPECT_EQ(parse_socket_address("[::1]:9180")->to_string(), "[::1]:9180");
  for (const char* text : {"", ":9180", "9180", "localhost:9180", "127.0.0.1", "unix:/x"}) {
    EXPECT_FALSE(parse_socket_address(text).has_value()) << text;
  }
}

TEST(ParseServerUrl, TakesEveryForm) {
  const struct {
    const char* url;
    const char* host;
    int port;
    bool tls;
    bool is_unix;
  } rows[] = {
      {"http://10.0.0.6:8000", "10.0.0.6", 8000, false, false},
      {"http://127.0.0.1", "127.0.0.1", 80, false, false},
      {"https://www.AIfuture.net.cn", "www.aifuture.net.cn", 443, true, false},
      {"https://[2001:db8::1]:8443", "2001:db8::1", 8443, true, false},
      {"http://[::1]", "::1", 80, false, false},
      {"http://my_app:65535", "my_app", 65535, false, false},
      {"unix:/run/app.sock", "/run/app.sock", 0, false, true},
  };
  for (const auto& row : rows) {
    const auto server = parse_server_url(row.url);
    ASSERT_TRUE(server.has_value()) << row.url << server.error();
    EXPECT_EQ(server->url, row.url);
    EXPECT_EQ(server->host, row.host);
    EXPECT_EQ(server->port, row.port);
    EXPECT_EQ(server->tls, row.tls);
    EXPECT_EQ(server->is_unix, row.is_unix);
  }
}

TEST(ParseServerUrl, TakesANameWithAFinalDotWithoutIt) {
  EXPECT_EQ(parse_server_url("http://app.example.com.:8000")->host, "app.example.com");
  EXPECT_EQ(parse_server_url("http://app.example.com.:8000")->port, 8000);
  EXPECT_EQ(parse_server_url("https://app.example.com.")->host, "app.example.com");
  // The dot is all that keeps the search domains of the machine away.
  EXPECT_EQ(parse_server_url("http://app.")->host, "app.");
  for (const char* url : {"http://.", "http://a..", "http://[::1]."}) EXPECT_FALSE(parse_server_url(url)) << url;
}

TEST(ParseServerUrl, TakesTheNameOfAService) {
  const struct {
    const char* url;
    const char* service;
    const char* host;
    bool tls;
  } rows[] = {
      {"srv+http://_api._tcp.Example.com", "_api._tcp.example.com", "example.com", false},
      {"srv+https://_api._tcp.example.com.", "_api._tcp.example.com", "example.com", true},
      {"srv+http://api.service.consul", "api.service.consul", "api.service.consul", false},
  };
  for (const auto& row : rows) {
    const auto server = parse_server_url(row.url);
    ASSERT_TRUE(server.has_value()) << row.url << server.error();
    EXPECT_EQ(server->url, row.url);
    EXPECT_EQ(server->service, row.service);
    EXPECT_EQ(server->host, row.host);
    EXPECT_EQ(server->tls, row.tls);
  }
  EXPECT_EQ(parse_server_url("http://_api._tcp.example.com")->service, "");
}

TEST(ParseNameServer, TakesAnAddressWithOrWithoutPort) {
  const struct {
    const char* text;
    const char* address;
  } rows[] = {{"10.0.0.2", "10.0.0.2:53"},
              {"127.0.0.1:5353", "127.0.0.1:5353"},
              {"2001:db8::2", "[2001:db8::2]:53"},
              {"[2001:db8::2]:5353", "[2001:db8::2]:5353"}};
  for (const auto& row : rows) {
    const auto address = parse_name_server(row.text);
    ASSERT_TRUE(address.has_value()) << row.text;
    EXPECT_EQ(address->to_string(), row.address);
  }
  for (const char* text : {"", "dns.example.com", "10.0.0.2:0", "10.0.0.2:65536", ":53", "[::1]", "udp://10.0.0.2"}) {
    const auto address = parse_name_server(text);
    ASSERT_FALSE(address.has_value()) << text;
    EXPECT_TRUE(address.error().contains("write one like \"10.0.0.2\"")) << address.error();
  }
}

TEST(ParseServerUrl, RefusesWithARemedy) {
  const struct {
    const char* url;
    const char* remedy;
  } rows[] = {
      {"", "write one like"},
      {"127.0.0.1:8000", "write http://127.0.0.1:8000"},
      {"app.example.com", "write http://app.example.com"},
      {"http://", "write one like"},
      {"http://:80", "write one like"},
      {"http://a.example.com/", "write http://a.example.com, and rewrite"},
      {"http://a.example.com?x", "write http://a.example.com, and rewrite"},
      {"http://a.example.com:0", "no port from 1 to 65535"},
      {"http://a.example.com:65536", "no port from 1 to 65535"},
      {"http://a.example.com:", "no port from 1 to 65535"},
      {"http://user:word@a.example.com", "no user and password"},
      {"ftp://a.example.com", "the scheme ftp"},
      {"HTTP://a.example.com", "the scheme HTTP"},
      {"http://a b", "write one like"},
      {"http://[::1", "write one like"},
      {"http://300.1.1.1", "write one like"},
      {"unix:app.sock", "not absolute"},
      {"srv+http://_api._tcp.example.com:80", "write srv+http://_api._tcp.example.com"},
      {"srv+https://_api._tcp.example.com/x", "write srv+https://_api._tcp.example.com, and rewrite"},
      {"srv+http://10.0.0.6", "srv+http://_api._tcp.example.com"},
      {"srv+http://", "srv+http://_api._tcp.example.com"},
      {"srv+http://[::1]", "srv+http://_api._tcp.example.com"},
      {"srv+ftp://example.com", "the scheme srv+ftp"},
  };
  for (const auto& row : rows) {
    const auto server = parse_server_url(row.url);
    ASSERT_FALSE(server.has_value()) << row.url;
    EXPECT_TRUE(server.error().contains(row.remedy)) << row.url << ": " << server.error();
  }
}

TEST(ParseCidr, SaysWhatShouldHaveBeenWritten) {
  EXPECT_EQ(parse_cidr("10.0.0.0/8")->to_string(), "10.0.0.0/8");
  EXPECT_EQ(parse_cidr("10.1.2.3/8").error(),
            "\"10.1.2.3/8\" has bits behind its length; write 10.0.0.0/8, or 10.1.2.3 for the one address");
  EXPECT_EQ(parse_cidr("2001:db8::1/33").error(),
            "\"2001:db8::1/33\" has bits behind its length; write 2001:db8::/33, or 2001:db8::1 for the one address");
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.0/x", "10.0.0/8", "all"}) {
    EXPECT_TRUE(parse_cidr(text).error().contains("is no address range")) << text;
  }
}

}  // namespace
}  // namespace viaduct::config

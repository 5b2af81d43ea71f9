// SPDX-License-Identifier: Apache-2.0
#include "observe/log_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace viaduct::observe {
namespace {

using Escape = LineWriter::Escape;
using namespace std::chrono_literals;

std::string rendered(const LogField& field, const AccessRecord& record, Escape escape,
                     QueryLogging query = QueryLogging::kMasked) {
  std::vector<char> bytes(field.rendered_max);
  TimeText time;
  LineWriter out(bytes.data(), escape);
  field.write(record, {.query = query, .time = time}, out);
  EXPECT_LE(out.end(), bytes.data() + bytes.size()) << field.name;
  return {bytes.data(), out.end()};
}

std::string text_of(std::string_view name, const AccessRecord& record, QueryLogging query = QueryLogging::kMasked) {
  const LogField* field = find_log_field(name);
  if (field == nullptr) return "<no such field>";
  return rendered(*field, record, Escape::kText, query);
}

TEST(LogFields, HaveTheKeysOfTheContractInItsOrder) {
  std::vector<std::string_view> keys;
  for (const LogField& field : log_fields()) {
    if (field.in_json) keys.push_back(field.name);
  }
  EXPECT_THAT(keys,
              testing::ElementsAre("time", "request_id", "client_ip", "client_port", "site", "route", "method", "host",
                                   "path", "query", "version", "tls_version", "tls_cipher", "status", "bytes_in",
                                   "bytes_out", "upstream", "server", "attempts", "total_ms", "wait_ms", "connect_ms",
                                   "tls_ms", "upstream_header_ms", "upstream_ms", "reason", "user_agent", "referer"));
}

TEST(LogFields, AreNamedOnceAndExplained) {
  std::set<std::string_view> names;
  for (const LogField& field : log_fields()) {
    EXPECT_TRUE(names.insert(field.name).second) << field.name;
    EXPECT_EQ(find_log_field(field.name), &field);
    EXPECT_TRUE(field.sentence.ends_with('.')) << field.name;
  }
}

TEST(LogFields, HaveNoneForSecretsOrBodies) {
  for (const std::string_view name : {"authorization", "cookie", "set_cookie", "body", "http_cookie", "", "Time"}) {
    EXPECT_EQ(find_log_field(name), nullptr) << name;
  }
}

TEST(LogFields, ShowTheRecord) {
  AccessRecord record;
  record.request_id = "id-1";
  record.client_ip = base::IpAddress::parse("2001:db8::1").value();
  record.client_port = 50123;
  record.site = "www.example.com";
  record.route = "api";
  record.method = "POST";
  record.host = "www.example.com:443";
  record.path = "/api/v1/%E6%94%AF";
  record.query = "code=secret";
  record.version = "HTTP/1.1";
  record.tls_version = "TLSv1.3";
  record.tls_cipher = "TLS_AES_128_GCM_SHA256";
  record.status = 502;
  record.bytes_in = 12;
  record.bytes_out = 3'000'000'000;
  record.upstream = "app";
  record.server = "10.0.0.6:8000";
  record.chosen = "last_left";
  record.attempts = 2;
  record.total = 12345us;
  record.wait = 1ms;
  record.connect = 2ms;
  record.tls = 3ms;
  record.upstream_header = 4ms;
  record.upstream_time = 5ms;
  record.reason = http::Reason::kUpstreamConnectRefused;
  record.user_agent = "curl/7.88.1";
  record.referer = "https://www.example.com/page?token=secret#part";
  struct Row {
    std::string_view field;
    std::string_view text;
  };
  const Row rows[] = {
      {"request_id", "id-1"},
      {"client_ip", "2001:db8::1"},
      {"client_port", "50123"},
      {"site", "www.example.com"},
      {"route", "api"},
      {"method", "POST"},
      {"host", "www.example.com:443"},
      {"path", "/api/v1/%E6%94%AF"},
      {"query", "code=***"},
      {"version", "HTTP/1.1"},
      {"tls_version", "TLSv1.3"},
      {"tls_cipher", "TLS_AES_128_GCM_SHA256"},
      {"status", "502"},
      {"bytes_in", "12"},
      {"bytes_out", "3000000000"},
      {"upstream", "app"},
      {"server", "10.0.0.6:8000"},
      {"chosen", "last_left"},
      {"attempts", "2"},
      {"total_ms", "12.345"},
      {"wait_ms", "1.000"},
      {"connect_ms", "2.000"},
      {"tls_ms", "3.000"},
      {"upstream_header_ms", "4.000"},
      {"upstream_ms", "5.000"},
      {"reason", "upstream_connect_refused"},
      {"user_agent", "curl/7.88.1"},
      {"referer", "https://www.example.com/page"},
      {"request", "POST /api/v1/%E6%94%AF?code=*** HTTP/1.1"},
  };
  for (const Row& row : rows) EXPECT_EQ(text_of(row.field, record), row.text) << row.field;
  EXPECT_EQ(text_of("query", record, QueryLogging::kKeys), "code");
  EXPECT_EQ(text_of("query", record, QueryLogging::kFull), "code=secret");
  EXPECT_EQ(text_of("request", record, QueryLogging::kKeys), "POST /api/v1/%E6%94%AF?code HTTP/1.1");
}

TEST(LogFields, ShowAnEmptyRecord) {
  const AccessRecord record;
  for (const std::string_view name : {"request_id",
                                      "client_port",
                                      "site",
                                      "route",
                                      "method",
                                      "host",
                                      "path",
                                      "query",
                                      "version",
                                      "tls_version",
                                      "tls_cipher",
                                      "upstream",
                                      "server",
                                      "wait_ms",
                                      "connect_ms",
                                      "tls_ms",
                                      "upstream_header_ms",
                                      "upstream_ms",
                                      "reason",
                                      "user_agent",
                                      "referer",
                                      "request"}) {
    EXPECT_EQ(text_of(name, record), "-") << name;
  }
  EXPECT_EQ(text_of("status", record), "0");
  EXPECT_EQ(text_of("total_ms", record), "0.000");
  EXPECT_EQ(text_of("client_ip", record), "0.0.0.0");
}

TEST(LogFields, NameAUnixSocketInsteadOfAnAddress) {
  AccessRecord record;
  record.client_ip = base::IpAddress::unix_peer();
  EXPECT_EQ(text_of("client_ip", record), "unix:");
}

TEST(LogFields, CutTheRefererAtItsQueryOrFragment) {
  AccessRecord record;
  for (const std::string_view rest : {"", "?a=secret", "#secret", "?", "?a#b?c"}) {
    const std::string referer = "https://h/p" + std::string(rest);
    record.referer = referer;
    EXPECT_EQ(text_of("referer", record), "https://h/p") << referer;
  }
}

TEST(LogFields, LeaveOutTheNameAndPasswordOfAReferer) {
  AccessRecord record;
  const std::initializer_list<std::pair<std::string_view, std::string_view>> rows = {
      {"https://user:secret@h/p", "h/p"}, {"//user@h", "h"},    {"https://a@b:secret@h/p@q?x", "h/p@q"},
      {"https://h/@p", "https://h/@p"},   {"mail@h", "mail@h"}, {"https://", "https://"}};
  for (const auto& [referer, logged] : rows) {
    record.referer = referer;
    EXPECT_EQ(text_of("referer", record), logged) << referer;
  }
}

TEST(LogFields, StayWithinWhatTheyPromiseWhateverComes) {
  const std::string hostile(100'000, '\x01');
  AccessRecord record;
  record.client_ip = base::IpAddress::parse("2001:db8:1111:2222:3333:4444:5555:6666").value();
  record.client_port = 65535;
  record.bytes_in = record.bytes_out = ~std::uint64_t{0};
  record.total = base::Duration::max();
  record.wait = record.connect = record.tls = record.upstream_header = record.upstream_time = base::Duration::max();
  record.attempts = ~std::uint32_t{0};
  for (std::string_view* text : {&record.request_id, &record.site, &record.route, &record.method, &record.host,
                                 &record.path, &record.query, &record.version, &record.tls_version, &record.tls_cipher,
                                 &record.upstream, &record.server, &record.user_agent, &record.referer}) {
    *text = hostile;
  }
  for (const LogField& field : log_fields()) {
    for (const Escape escape : {Escape::kJson, Escape::kText}) {
      const std::string value = rendered(field, record, escape, QueryLogging::kFull);
      EXPECT_LE(value.size(), field.rendered_max) << field.name;
    }
  }
}

}  // namespace
}  // namespace viaduct::observe

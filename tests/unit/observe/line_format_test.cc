// SPDX-License-Identifier: Apache-2.0
#include "observe/line_format.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace viaduct::observe {
namespace {

using namespace std::chrono_literals;

std::string rendered(const LineFormat& format, const AccessRecord& record, QueryLogging query = QueryLogging::kMasked) {
  std::vector<char> line(format.line_bytes_max());
  TimeText time;
  char* end = format.render(record, {.query = query, .time = time}, line.data());
  EXPECT_LE(end, line.data() + line.size());
  return {line.data(), end};
}

// The same instant as a time zone that is not UTC would show it is tested in time_text_test.cc.
std::string time_text(base::WallTime time) {
  TimeText text;
  return std::string(text.rfc3339(time));
}

std::string time_local_text(base::WallTime time) {
  TimeText text;
  return std::string(text.combined(time));
}

AccessRecord make_record() {
  AccessRecord record;
  record.time = base::WallTime(1767323045s + 678ms);
  record.request_id = "7f3a";
  record.client_ip = base::IpAddress::parse("192.0.2.7").value();
  record.client_port = 50123;
  record.site = "www.example.com";
  record.route = "api";
  record.method = "GET";
  record.host = "www.example.com";
  record.path = "/api/v1/支付";
  record.query = "code=secret&state=x";
  record.version = "HTTP/1.1";
  record.status = 200;
  record.bytes_out = 17;
  record.upstream = "app";
  record.server = "10.0.0.6:8000";
  record.attempts = 1;
  record.total = 12345us;
  record.upstream_header = 11ms;
  record.upstream_time = 12ms;
  record.user_agent = "curl/7.88.1";
  record.referer = "https://www.example.com/page?token=secret";
  return record;
}

TEST(LineFormat, WritesJson) {
  const AccessRecord record = make_record();
  EXPECT_EQ(rendered(LineFormat::json(), record),
            R"({"time":")" + time_text(record.time) +
                R"(","request_id":"7f3a","client_ip":"192.0.2.7","client_port":50123,"site":"www.example.com",)"
                R"("route":"api","method":"GET","host":"www.example.com","path":"/api/v1/支付",)"
                R"("query":"code=***&state=***","version":"HTTP/1.1","tls_version":"","tls_cipher":"","status":200,)"
                R"("bytes_in":0,"bytes_out":17,"upstream":"app","server":"10.0.0.6:8000","attempts":1,)"
                R"("total_ms":12.345,"wait_ms":null,"connect_ms":null,"tls_ms":null,"upstream_header_ms":11.000,)"
                R"("upstream_ms":12.000,"reason":"","user_agent":"curl/7.88.1",)"
                R"("referer":"https://www.example.com/page"})"
                "\n");
}

TEST(LineFormat, WritesCombined) {
  const AccessRecord record = make_record();
  EXPECT_EQ(rendered(LineFormat::combined(), record),
            "192.0.2.7 - - [" + time_local_text(record.time) +
                R"(] "GET /api/v1/\xE6\x94\xAF\xE4\xBB\x98?code=***&state=*** HTTP/1.1" 200 17 )"
                R"("https://www.example.com/page" "curl/7.88.1")"
                "\n");
}

TEST(LineFormat, WritesCombinedForWhatWasNeverRead) {
  AccessRecord record;
  record.time = make_record().time;
  record.client_ip = base::IpAddress::parse("192.0.2.7").value();
  record.status = 400;
  EXPECT_EQ(rendered(LineFormat::combined(), record),
            "192.0.2.7 - - [" + time_local_text(record.time) + "] \"-\" 400 0 \"-\" \"-\"\n");
}

TEST(LineFormat, FollowsATemplate) {
  struct Row {
    std::string_view text;
    std::string_view line;
  };
  const Row rows[] = {
      {"${status}", "200\n"},
      {"${method} ${path} -> ${status} in ${total_ms} ms",
       "GET /api/v1/\\xE6\\x94\\xAF\\xE4\\xBB\\x98 -> 200 in 12.345 ms\n"},
      {"${status}${status}", "200200\n"},
      {"$ $$ {} $status ${status} } $", "$ $$ {} $status 200 } $\n"},
      {"时间 ${reason}", "时间 -\n"},
      {"\"${query}\"", "\"code=***&state=***\"\n"},
  };
  for (const Row& row : rows) {
    const auto format = LineFormat::from_template(row.text);
    ASSERT_TRUE(format.has_value()) << format.error().message;
    EXPECT_EQ(rendered(*format, make_record()), row.line);
  }
}

TEST(LineFormat, RefusesTemplatesThatCannotBe) {
  std::string fields;
  for (std::size_t count = 0; count < LineFormat::kTemplateFieldsMax; ++count) fields += "${status}";
  EXPECT_TRUE(LineFormat::from_template(fields).has_value());
  const std::string longest = "${status}" + std::string(LineFormat::kTemplateBytesMax - 9, 'x');
  EXPECT_TRUE(LineFormat::from_template(longest).has_value());
  struct Row {
    std::string text;
    std::string message;
  };
  const Row rows[] = {
      {"", "the log template has no field"},
      {"nothing", "the log template has no field"},
      {"${stauts}", "the log has no field \"stauts\"; write one of time, request_id, "},
      {"${}", "the log has no field \"\""},
      {"${ status }", "the log has no field \" status \""},
      {"${authorization}", "the log has no field \"authorization\""},
      {"${status} ${path", "has a ${ without its }"},
      {"${status}\n", "control character"},
      {"${status}\x7f", "control character"},
      {fields + "${status}", "more than 64 fields"},
      {longest + "x", "has 4097 bytes, 4096 are allowed"},
  };
  for (const Row& row : rows) {
    const auto format = LineFormat::from_template(row.text);
    ASSERT_FALSE(format.has_value()) << row.text;
    EXPECT_NE(format.error().message.find(row.message), std::string::npos) << format.error().message;
  }
}

// Whoever calls us chooses these texts; whatever they are, there is one line, one object, the same keys.
TEST(LineFormat, LetsNoValueForgeALineOrAKey) {
  std::vector<std::string> hostile = {
      "\",\"status\":200,\"x\":\"", "\\\",\"status\":200,\"x\":\"\\",
      "\"}\n{\"time\":\"forged\"}", "\r\n192.0.2.1 - - [forged] \"GET / HTTP/1.1\" 200 0",
      "\" 200 0 \"forged\" \"",     "\x1b[2J\x1b[H",
      "\xe2\x80\xa8\xc2\x85",       "\xff\"\xc0\\",
      std::string(100'000, '"'),    std::string(100'000, '\xff'),
  };
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  hostile.push_back(all);
  for (const std::string& text : hostile) {
    AccessRecord record = make_record();
    for (std::string_view* value :
         {&record.request_id, &record.site, &record.route, &record.method, &record.host, &record.path, &record.query,
          &record.version, &record.tls_version, &record.tls_cipher, &record.upstream, &record.server,
          &record.user_agent, &record.referer}) {
      *value = text;
    }
    const std::string line = rendered(LineFormat::json(), record, QueryLogging::kFull);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto object = nlohmann::ordered_json::parse(line, nullptr, false);
    ASSERT_TRUE(object.is_object()) << line;
    EXPECT_EQ(object.size(), 28U);
    EXPECT_EQ(object.begin().key(), "time");
    EXPECT_EQ(object["status"], 200);
    EXPECT_EQ(object["client_ip"], "192.0.2.7");

    const std::string combined = rendered(LineFormat::combined(), record, QueryLogging::kFull);
    EXPECT_EQ(combined.find('\n'), combined.size() - 1);
    EXPECT_EQ(std::ranges::count(combined, '"'), 6);
    EXPECT_TRUE(combined.starts_with("192.0.2.7 - - ["));
  }
}

TEST(LineFormat, NeverShowsTheSecretsOfAQuery) {
  for (const LineFormat& format : {LineFormat::json(), LineFormat::combined()}) {
    EXPECT_EQ(rendered(format, make_record()).find("secret"), std::string::npos);
    EXPECT_EQ(rendered(format, make_record(), QueryLogging::kKeys).find("secret"), std::string::npos);
    EXPECT_NE(rendered(format, make_record(), QueryLogging::kFull).find("code=secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace viaduct::observe

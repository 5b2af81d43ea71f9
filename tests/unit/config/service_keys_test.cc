// SPDX-License-Identifier: Apache-2.0
#include "config/service_keys.h"

#include <gtest/gtest.h>

#include "support/config_load.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

using namespace std::chrono_literals;
using support::config_of;
using support::with_top;

TEST(ErrorPages, AreReadWhenTheConfigIs) {
  const support::TemporaryDirectory directory;
  directory.write("errors/unavailable.html", "<h1>down</h1>\n");
  directory.write("not_found.json", "{}");
  const auto config = config_of(with_top("errors:\n"
                                         "  \"502-504\": { file: errors/unavailable.html }\n"
                                         "  404: { file: not_found.json }\n"),
                                directory.path());
  ASSERT_EQ(config->errors.size(), 2U);
  EXPECT_EQ(config->errors[0].from, 502);
  EXPECT_EQ(config->errors[0].to, 504);
  EXPECT_EQ(config->errors[0].file, directory / "errors/unavailable.html");
  EXPECT_EQ(config->errors[0].body, "<h1>down</h1>\n");
  EXPECT_EQ(config->errors[0].content_type, "text/html; charset=utf-8");
  EXPECT_EQ(config->errors[1].from, 404);
  EXPECT_EQ(config->errors[1].to, 404);
  EXPECT_EQ(config->errors[1].content_type, "application/json");
}

TEST(ErrorPages, HaveABound) {
  const support::TemporaryDirectory directory;
  directory.write("largest.txt", std::string(1024 * 1024, 'x'));
  directory.write("large.txt", std::string(1024 * 1024 + 1, 'x'));
  EXPECT_EQ(config_of(with_top("errors: { 502: { file: largest.txt } }\n"), directory.path())->errors[0].content_type,
            "text/plain; charset=utf-8");
  EXPECT_TRUE(support::problems_of(with_top("errors: { 502: { file: large.txt } }\n"), directory.path())
                  .contains("has more than 1048576 bytes"));
}

TEST(LogKeys, FillEveryMember) {
  const support::TemporaryDirectory directory;
  const auto config = config_of(with_top("logs:\n"
                                         "  access: { file: access.log, format: combined, query: keys }\n"
                                         "  error: { file: error.log, level: debug }\n"),
                                directory.path());
  EXPECT_EQ(config->access_log.file, directory / "access.log");
  EXPECT_EQ(config->access_log.format, AccessFormat::kCombined);
  EXPECT_EQ(config->access_log.query, QueryLogging::kKeys);
  EXPECT_EQ(config->error_log.file, directory / "error.log");
  EXPECT_EQ(config->error_log.level, base::LogLevel::kDebug);
}

TEST(LogKeys, GoToTheStandardStreamsUnlessToldOtherwise) {
  const auto config = config_of(with_top("logs: { error: { file: \"-\" } }\n"));
  EXPECT_EQ(config->access_log.file, "-");
  EXPECT_EQ(config->access_log.format, AccessFormat::kJson);
  EXPECT_EQ(config->access_log.query, QueryLogging::kMasked);
  EXPECT_EQ(config->error_log.file, "-");
  EXPECT_EQ(config_of(with_top("logs: { access: null }\n"))->access_log.file, "");
}

TEST(LogKeys, TakeATemplate) {
  const auto config =
      config_of(with_top("logs: { access: { format: \"${client_ip} ${status} ${total_ms} ${HOME_NAME}\" } }\n"));
  EXPECT_EQ(config->access_log.format, AccessFormat::kTemplate);
  EXPECT_EQ(config->access_log.line_template, "${client_ip} ${status} ${total_ms} home.example.com");
  for (const std::string& field : access_log_fields()) {
    EXPECT_EQ(config_of(with_top("logs: { access: { format: \"${" + field + "}\" } }\n"))->access_log.line_template,
              "${" + field + "}");
  }
}

TEST(AdminKeys, FillEveryMember) {
  const support::TemporaryDirectory directory;
  const auto config =
      config_of(with_top("admin: { socket: admin.sock, health: \"127.0.0.1:9180\" }\n"), directory.path());
  EXPECT_EQ(config->admin.socket, directory / "admin.sock");
  ASSERT_TRUE(config->admin.health.has_value());
  EXPECT_EQ(config->admin.health->to_string(), "127.0.0.1:9180");
  EXPECT_EQ(config_of(with_top(""))->admin.socket, "");
  EXPECT_TRUE(support::problems_of(with_top("admin: { socket: /" + std::string(107, 'x') + " }\n"))
                  .contains("at most 107 bytes, this has 108"));
}

TEST(ResolverKeys, FillEveryMember) {
  const auto config = config_of(
      with_top("resolver: { servers: [10.0.0.2, \"127.0.0.1:5353\"], min_ttl: 1s, max_ttl: 10m, timeout: 500ms }\n"));
  ASSERT_EQ(config->resolver.servers.size(), 2U);
  EXPECT_EQ(config->resolver.servers[0].to_string(), "10.0.0.2:53");
  EXPECT_EQ(config->resolver.servers[1].to_string(), "127.0.0.1:5353");
  EXPECT_EQ(config->resolver.min_ttl, 1s);
  EXPECT_EQ(config->resolver.max_ttl, 10min);
  EXPECT_EQ(config->resolver.timeout, 500ms);
}

TEST(ResolverKeys, KeepTheirDefaults) {
  const auto config = config_of(with_top(""));
  EXPECT_TRUE(config->resolver.servers.empty());
  EXPECT_EQ(config->resolver.min_ttl, 5s);
  EXPECT_EQ(config->resolver.max_ttl, 5min);
  EXPECT_EQ(config->resolver.timeout, 3s);
}

TEST(ResolverKeys, HaveBounds) {
  for (const char* good : {"min_ttl: 100ms", "min_ttl: 1h, max_ttl: 1h", "min_ttl: 1s, max_ttl: 1s", "max_ttl: 24h",
                           "timeout: 10ms", "timeout: 1m"}) {
    EXPECT_EQ(support::problems_of(with_top("resolver: { " + std::string(good) + " }\n")), "") << good;
  }
  for (const char* bad : {"min_ttl: 99ms", "min_ttl: 61m, max_ttl: 2h", "max_ttl: 999ms", "max_ttl: 25h",
                          "timeout: 9ms", "timeout: 61s", "min_ttl: 6m", "servers: dns.example.com"}) {
    EXPECT_TRUE(support::problems_of(with_top("resolver: { " + std::string(bad) + " }\n")).contains("resolver")) << bad;
  }
}

TEST(ProcessKeys, FillEveryMember) {
  const auto config = config_of(
      with_top("process: { workers: 4, user: www-data, drain: 1m, memory: 512m, core_dumps: true, seccomp: true, "
               "state_dir: /var/lib/viaduct }\n"));
  EXPECT_EQ(config->process.workers, 4U);
  EXPECT_EQ(config->process.user, "www-data");
  EXPECT_EQ(config->process.drain, 60s);
  EXPECT_EQ(config->process.memory, std::uint64_t{512} << 20U);
  EXPECT_TRUE(config->process.core_dumps);
  EXPECT_TRUE(config->process.seccomp);
  EXPECT_EQ(config->process.state_dir, "/var/lib/viaduct");
  EXPECT_EQ(config_of(with_top("process: { memory: null }\n"))->process.memory, std::nullopt);
  EXPECT_EQ(config_of(with_top("process: { workers: auto }\n"))->process.workers, std::nullopt);
}

}  // namespace
}  // namespace viaduct::config

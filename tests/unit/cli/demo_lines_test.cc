// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace viaduct::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

DemoLineSetup setup() {
  return {.directory = "/somewhere/demo-1",
          .ports = {.http = 8081, .https = 8444},
          .program = "/usr/bin/viaduct",
          .notice_sha256 = "abc123",
          .bypasses_proxy = false};
}

bool is_curl(const DemoLine& line) {
  return line.command.starts_with("curl ");
}

TEST(DemoLines, ExpectSomethingOfEveryLine) {
  for (const DemoLine& line : demo_lines(setup())) {
    EXPECT_FALSE(line.expected.empty()) << line.command;
    for (const std::string& text : line.expected) EXPECT_FALSE(text.empty()) << line.command;
  }
}

TEST(DemoLines, TrustTheDemosCertificateAloneAndReachItsPortsAlone) {
  std::size_t tls_lines = 0;
  for (const DemoLine& line : demo_lines(setup())) {
    if (!is_curl(line)) continue;
    const bool is_tls = line.command.contains("https://www.xintuxiangce.top:8444/");
    tls_lines += is_tls ? 1U : 0U;
    const std::string resolve =
        is_tls ? "--resolve www.xintuxiangce.top:8444:127.0.0.1 " : "--resolve www.xintuxiangce.top:8081:127.0.0.1 ";
    EXPECT_THAT(line.command, HasSubstr(resolve));
    EXPECT_EQ(line.command.contains("--cacert /somewhere/demo-1/cert.pem "), is_tls) << line.command;
    EXPECT_THAT(line.command, Not(HasSubstr("-k ")));
    EXPECT_THAT(line.command, Not(HasSubstr("--noproxy")));
  }
  EXPECT_GE(tls_lines, 8U);
}

TEST(DemoLines, ShowTheScene) {
  std::string all;
  for (const DemoLine& line : demo_lines(setup())) all += line.command + "\n";
  for (const char* part : {"/api/v1/payment/notify", "/api/v1/auth/wechat/verify", "/api/v1/internal/", "-X OPTIONS",
                           "Origin: ", "-N --max-time 10", "/api/v1/events", "'Upgrade: websocket'", "/api/v1/ws",
                           "/MP_verify_demo.txt", "/static/app.css", "sha256sum ", "@/somewhere/demo-1/notice",
                           "/usr/bin/viaduct explain POST ", "-c /somewhere/demo-1/viaduct.yaml", "access.log"}) {
    EXPECT_THAT(all, HasSubstr(part));
  }
}

TEST(DemoLines, CompareTheBodyOnBothSides) {
  const auto lines = demo_lines(setup());
  const auto compared = std::ranges::count_if(lines, [](const DemoLine& line) {
    return std::ranges::any_of(line.expected, [](const std::string& text) { return text.contains("abc123"); });
  });
  EXPECT_EQ(compared, 2);
}

TEST(DemoLines, GoPastAProxyOfTheEnvironment) {
  DemoLineSetup with_proxy = setup();
  with_proxy.bypasses_proxy = true;
  for (const DemoLine& line : demo_lines(with_proxy)) {
    EXPECT_EQ(line.command.contains("--noproxy '*'"), is_curl(line)) << line.command;
  }
}

TEST(DemoLines, QuotePathsForAShell) {
  DemoLineSetup odd = setup();
  odd.directory = "/a b/it's";
  odd.program = "/my programs/viaduct";
  for (const DemoLine& line : demo_lines(odd)) {
    EXPECT_THAT(line.command, Not(HasSubstr(" /a b"))) << line.command;
    EXPECT_THAT(line.command, Not(HasSubstr(" /my programs"))) << line.command;
  }
}

// A line that goes on ends in a backslash, and no other line does: so it can be copied, and found in the output.
TEST(DemoLines, GoOnByABackslashAlone) {
  for (const DemoLine& line : demo_lines(setup())) {
    for (std::size_t at = line.command.find('\n'); at != std::string::npos; at = line.command.find('\n', at + 1)) {
      ASSERT_GT(at, 2U);
      EXPECT_EQ(line.command.substr(at - 2, 2), " \\") << line.command;
    }
    EXPECT_FALSE(line.command.ends_with('\\') || line.command.ends_with('\n')) << line.command;
  }
}

}  // namespace
}  // namespace viaduct::cli

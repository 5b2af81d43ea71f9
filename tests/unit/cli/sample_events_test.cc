// SPDX-License-Identifier: Apache-2.0
#include "cli/sample_events.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace viaduct::cli {
namespace {

using namespace std::chrono_literals;

SampleRequest request(std::string method, std::string target, std::string last_id = {}) {
  SampleRequest made;
  made.method = std::move(method);
  made.target = std::move(target);
  if (!last_id.empty()) made.fields.emplace_back("last-event-id", std::move(last_id));
  return made;
}

TEST(SampleEvents, AreForGetsOfTheirPath) {
  EXPECT_TRUE(read_event_request(request("GET", "/api/v1/events")).has_value());
  EXPECT_TRUE(read_event_request(request("GET", "/api/v1/events?x=1")).has_value());
  EXPECT_FALSE(read_event_request(request("POST", "/api/v1/events")).has_value());
  EXPECT_FALSE(read_event_request(request("HEAD", "/api/v1/events")).has_value());
  EXPECT_FALSE(read_event_request(request("GET", "/api/v1/events/7")).has_value());
}

TEST(SampleEvents, BeginAndEndWhereTheRequestSays) {
  const auto whole = read_event_request(request("GET", "/api/v1/events"));
  EXPECT_EQ(whole->first, 1U);
  EXPECT_EQ(whole->last, std::nullopt);
  const auto part = read_event_request(request("GET", "/api/v1/events?count=3", "7"));
  EXPECT_EQ(part->first, 8U);
  EXPECT_EQ(part->last, 10U);
  for (const char* count : {"0", "", "x", "-1", "1x"}) {
    EXPECT_EQ(read_event_request(request("GET", std::string("/api/v1/events?count=") + count))->last, std::nullopt);
  }
  EXPECT_EQ(read_event_request(request("GET", "/api/v1/events", "none"))->first, 1U);
}

TEST(SampleEvents, HaveAnIdAndDataThatIsJson) {
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{6}, ~std::uint64_t{0}}) {
    const std::string event = sample_event(number);
    const std::string head = "id: " + std::to_string(number) + "\ndata: ";
    ASSERT_TRUE(event.starts_with(head)) << event;
    ASSERT_TRUE(event.ends_with("\n\n"));
    const auto json = nlohmann::json::parse(event.substr(head.size()), nullptr, false);
    EXPECT_EQ(json["order"], "demo-0001");
    EXPECT_EQ(json["status"], number == 1 ? "created" : "done");
  }
}

TEST(SampleEvents, ComeQuicklyAtFirstAndSlowlyThen) {
  EXPECT_EQ(sample_event_delay(2), 300ms);
  EXPECT_EQ(sample_event_delay(5), 300ms);
  EXPECT_EQ(sample_event_delay(6), 5s);
}

}  // namespace
}  // namespace viaduct::cli

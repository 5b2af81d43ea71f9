// SPDX-License-Identifier: Apache-2.0
#include "net/resolver.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace viaduct::net {
namespace {

struct Waiter final : ResolveWaiter {
  void on_resolved(const std::vector<base::IpAddress>& found) override {
    addresses = found;
    ++events;
  }
  void on_resolve_failed(const base::Error& resolve_error) override {
    error = resolve_error;
    ++events;
  }
  std::vector<base::IpAddress> addresses;
  base::Error error;
  int events = 0;
};

class ResolverTest : public testing::Test {
 protected:
  void run_until(const Waiter& waiter) {
    while (waiter.events == 0) loop_.run_once(true);
  }

  base::SystemClock clock_;
  Loop loop_{clock_};
  Resolver resolver_{loop_};
};

TEST_F(ResolverTest, KnowsLiteralAddressesAtOnce) {
  for (const char* literal : {"192.0.2.1", "2001:db8::1"}) {
    const auto* found = resolver_.find(literal);
    ASSERT_NE(found, nullptr) << literal;
    EXPECT_EQ(found->at(0).to_string(), literal);
  }
}

TEST_F(ResolverTest, ResolvesLocalhostLaterThanTheCallAndKeepsIt) {
  EXPECT_EQ(resolver_.find("localhost"), nullptr);
  Waiter waiter;
  resolver_.resolve("localhost", waiter);
  EXPECT_EQ(waiter.events, 0);
  run_until(waiter);
  ASSERT_FALSE(waiter.addresses.empty());
  EXPECT_NE(resolver_.find("localhost"), nullptr);
}

TEST_F(ResolverTest, AnswersEveryWaiterOfOneName) {
  Waiter first;
  Waiter second;
  resolver_.resolve("localhost", first);
  resolver_.resolve("localhost", second);
  run_until(first);
  run_until(second);
  EXPECT_EQ(first.addresses, second.addresses);
  Waiter third;
  resolver_.resolve("localhost", third);
  run_until(third);
  EXPECT_EQ(third.addresses, first.addresses);
}

TEST_F(ResolverTest, SaysWhichNameDoesNotExist) {
  Waiter waiter;
  resolver_.resolve("no-such-name.invalid", waiter);
  run_until(waiter);
  EXPECT_TRUE(waiter.addresses.empty());
  EXPECT_NE(waiter.error.message.find("no-such-name.invalid"), std::string::npos);
  EXPECT_TRUE(waiter.error.retryable);
}

TEST_F(ResolverTest, AWaiterThatLeavesIsNotCalled) {
  {
    Waiter gone;
    resolver_.resolve("localhost", gone);
  }
  Waiter waiter;
  resolver_.resolve("localhost", waiter);
  run_until(waiter);
  EXPECT_EQ(waiter.events, 1);
}

}  // namespace
}  // namespace viaduct::net

// SPDX-License-Identifier: Apache-2.0
#include "net/resolver.h"

#include <gtest/gtest.h>

#include "support/scripted_dns.h"
#include "support/wait_until.h"

namespace viaduct::net {
namespace {

using namespace std::chrono_literals;

struct Waiter final : ResolveWaiter {
  void on_resolved(const NameAnswer& found) override {
    addresses = found.address_count();
    ++events;
  }
  void on_resolve_failed(ResolveFailure, const base::Error&) override { ++events; }
  std::size_t addresses = 0;
  int events = 0;
};

class ResolverTest : public testing::Test {
 protected:
  static ResolverOptions options(const support::ScriptedDns& dns) {
    return {.dns = {.servers = {dns.address()}, .timeout = 3s}, .ttl = {.min = 5s, .max = 5min}};
  }
  ResolvedName& name(const std::string& text, bool is_service = false) {
    return resolver_.name(text, is_service, allowed_);
  }
  std::size_t resolve(ResolvedName& asked) {
    Waiter waiter;
    asked.resolve(waiter);
    support::wait_until(loop_, [&] { return waiter.events > 0; });
    return waiter.addresses;
  }

  support::ManualClock clock_;
  Loop loop_{clock_};
  support::ScriptedDns dns_{loop_};
  Resolver resolver_{loop_, options(dns_)};
  base::CidrSet allowed_;
};

TEST_F(ResolverTest, GivesTheSameNameToAllWhoMeanTheSame) {
  ResolvedName& first = name("a.test");
  EXPECT_EQ(&name("a.test"), &first);
  EXPECT_NE(&name("b.test"), &first);
  EXPECT_NE(&name("a.test", true), &first);
  allowed_.add(*base::Cidr::parse("127.0.0.0/8"));
  ResolvedName& other = name("a.test");
  EXPECT_NE(&other, &first);
  EXPECT_EQ(&name("a.test"), &other);
}

TEST_F(ResolverTest, ResolvesHostsAndServices) {
  dns_.names["a.test"] = {"60 A 192.0.2.1"};
  dns_.names["_api._tcp.test"] = {"60 SRV 1 1 80 a.test", "60 SRV 2 1 80 b.test"};
  dns_.names["b.test"] = {"60 A 192.0.2.2", "60 AAAA 2001:db8::2"};
  EXPECT_EQ(resolve(name("a.test")), 1u);
  EXPECT_EQ(resolve(name("_api._tcp.test", true)), 3u);
  EXPECT_EQ(resolve(name("none.test")), 0u);
}

TEST_F(ResolverTest, AsksOtherServersWhenItIsToldTo) {
  support::ScriptedDns second(loop_);
  second.names["a.test"] = {"60 A 192.0.2.1"};
  ResolvedName& asked = name("a.test");
  EXPECT_EQ(resolve(asked), 0u);
  resolver_.configure(options(second));
  EXPECT_EQ(&name("a.test"), &asked);  // in use, so it is not forgotten
  support::pass_time(loop_, clock_, 10ms);
  support::wait_until(loop_, [&] { return asked.find() != nullptr; });
}

TEST_F(ResolverTest, KeepsWhatItKnowsWhenItIsToldToAskOthers) {
  support::ScriptedDns second(loop_);
  dns_.names["a.test"] = {"60 A 192.0.2.1"};
  resolve(name("a.test"));
  resolver_.configure(options(second));
  EXPECT_NE(name("a.test").find(), nullptr);
  support::settle(loop_);
  EXPECT_EQ(second.questions(), 0);
}

TEST_F(ResolverTest, ForgetsNamesThatNobodyUses) {
  dns_.names["a.test"] = {"60 A 192.0.2.1"};
  resolve(name("a.test"));
  clock_.advance(1h);
  support::settle(loop_);
  resolver_.configure(options(dns_));
  EXPECT_EQ(name("a.test").find(), nullptr);
  EXPECT_EQ(resolve(name("a.test")), 1u);
}

TEST_F(ResolverTest, TakesItsBoundsFromItsOptions) {
  dns_.names["a.test"] = {"60 A 192.0.2.1"};
  ResolverOptions short_lived = options(dns_);
  short_lived.ttl = {.min = 100ms, .max = 1s};
  resolver_.configure(short_lived);
  resolve(name("a.test"));
  const int before = dns_.questions();
  support::pass_time(loop_, clock_, 950ms);
  support::wait_until(loop_, [&] { return dns_.questions() == before + 2; });
}

}  // namespace
}  // namespace viaduct::net

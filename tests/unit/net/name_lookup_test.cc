// SPDX-License-Identifier: Apache-2.0
#include "net/name_lookup.h"

#include <gtest/gtest.h>

#include "support/scripted_dns.h"
#include "support/wait_until.h"

namespace viaduct::net {
namespace {

using namespace std::chrono_literals;
using support::DnsManner;
using support::RecordType;

class NameLookupTest : public testing::Test, private LookupHandler {
 protected:
  void start(const std::string& name, bool is_service = false, bool is_awaited = true) {
    events_ = 0;
    lookup_.start(name, is_service, is_awaited);
    EXPECT_EQ(events_, 0);
  }
  const LookupResult& look_up(const std::string& name, bool is_service = false) {
    start(name, is_service);
    support::wait_until(loop_, [this] { return events_ > 0; });
    EXPECT_FALSE(lookup_.is_running());
    return result_;
  }
  bool until_questions(int count) {
    return support::wait_until(loop_, [&] { return dns_.questions() >= count; });
  }
  std::string addresses() {
    std::string text;
    for (const base::SocketAddress& address : result_.answer.in_order(80, random_)) {
      text += (text.empty() ? "" : " ") + address.to_string();
    }
    return text;
  }

  support::ManualClock clock_;
  Loop loop_{clock_};
  support::ScriptedDns dns_{loop_};
  DnsChannel channel_{loop_, {.servers = {dns_.address()}, .timeout = 30s}};
  NameLookup lookup_{loop_, channel_, *this};
  base::Random random_;
  LookupResult result_;
  int events_ = 0;

 private:
  void on_lookup_done(LookupResult result) override {
    result_ = std::move(result);
    ++events_;
  }
};

TEST_F(NameLookupTest, AsksForBothFamiliesAtTheSameTime) {
  dns_.names["a.test"] = {"60 A 192.0.2.1", "30 AAAA 2001:db8::1"};
  dns_.set("a.test", DnsManner::kSilent);
  start("a.test");
  until_questions(2);
  EXPECT_EQ(dns_.questions("a.test", RecordType::kA), 1);
  EXPECT_EQ(dns_.questions("a.test", RecordType::kAaaa), 1);
}

TEST_F(NameLookupTest, GivesBothFamiliesAndTheSmallerTtl) {
  dns_.names["a.test"] = {"60 A 192.0.2.1", "30 AAAA 2001:db8::1"};
  EXPECT_EQ(look_up("a.test").failure, "");
  EXPECT_EQ(addresses(), "[2001:db8::1]:80 192.0.2.1:80");
  EXPECT_EQ(result_.ttl, 30s);
  EXPECT_TRUE(result_.is_complete);
  EXPECT_TRUE(result_.answer.is_from_network);
}

TEST_F(NameLookupTest, NeedsOneFamilyOnly) {
  dns_.names["v4.test"] = {"60 A 192.0.2.1"};
  dns_.names["v6.test"] = {"60 AAAA 2001:db8::1"};
  dns_.names["broken.test"] = {"60 A 192.0.2.1"};
  dns_.set("broken.test", DnsManner::kServerFailure, RecordType::kAaaa);
  look_up("v4.test");
  EXPECT_EQ(addresses(), "192.0.2.1:80");
  EXPECT_TRUE(result_.answer.hosts[0].v6.is_known);
  look_up("v6.test");
  EXPECT_EQ(addresses(), "[2001:db8::1]:80");
  look_up("broken.test");
  EXPECT_EQ(addresses(), "192.0.2.1:80");
  EXPECT_FALSE(result_.answer.hosts[0].v6.is_known);
}

TEST_F(NameLookupTest, SaysWhyThereIsNothing) {
  EXPECT_EQ(look_up("none.test").failure, "Domain name not found");
  dns_.names["empty.test"] = {};
  EXPECT_EQ(look_up("empty.test").failure, "DNS server returned answer with no data");
  dns_.set("failing.test", DnsManner::kServerFailure);
  EXPECT_EQ(look_up("failing.test").failure, "no name server has an answer");
}

TEST_F(NameLookupTest, TakesNamesWithAFinalDot) {
  dns_.names["a.test"] = {"60 A 192.0.2.1"};
  look_up("a.test.");
  EXPECT_EQ(addresses(), "192.0.2.1:80");
}

// ---- time -----------------------------------------------------------------------------------------------------------

TEST_F(NameLookupTest, WaitsAShortWhileForTheOtherFamily) {
  dns_.names["a.test"] = {"60 A 192.0.2.1"};
  dns_.set("a.test", DnsManner::kSilent, RecordType::kAaaa);
  start("a.test");
  until_questions(2);
  support::settle(loop_);
  support::pass_time(loop_, clock_, NameLookup::kFamilyDelay - 1ms);
  EXPECT_EQ(events_, 0);
  support::pass_time(loop_, clock_, 10ms);
  ASSERT_EQ(events_, 1);
  EXPECT_EQ(addresses(), "192.0.2.1:80");
  EXPECT_FALSE(result_.is_complete);
}

TEST_F(NameLookupTest, WaitsForBothFamiliesToTheDeadlineWhereNobodyWaits) {
  dns_.names["a.test"] = {"60 A 192.0.2.1"};
  dns_.set("a.test", DnsManner::kSilent, RecordType::kAaaa);
  start("a.test", false, false);
  until_questions(2);
  support::settle(loop_);
  support::pass_time(loop_, clock_, 29s);
  EXPECT_EQ(events_, 0);
  support::pass_time(loop_, clock_, 1100ms);
  ASSERT_EQ(events_, 1);
  EXPECT_EQ(addresses(), "192.0.2.1:80");
  EXPECT_FALSE(result_.answer.hosts[0].v6.is_known);
}

TEST_F(NameLookupTest, GivesUpAtTheDeadline) {
  dns_.set("silent.test", DnsManner::kSilent);
  start("silent.test");
  until_questions(2);
  support::pass_time(loop_, clock_, 29900ms);
  EXPECT_EQ(events_, 0);
  support::pass_time(loop_, clock_, 200ms);
  ASSERT_EQ(events_, 1);
  EXPECT_EQ(result_.failure, "no name server answered in time");
  dns_.names["a.test"] = {"60 A 192.0.2.1"};
  look_up("a.test");
  EXPECT_EQ(addresses(), "192.0.2.1:80");
}

// ---- what is known here ---------------------------------------------------------------------------------------------

TEST_F(NameLookupTest, KnowsWhatLocalhostMeansWithoutAsking) {
  for (const char* name : {"localhost", "localhost.", "app.localhost"}) {
    EXPECT_EQ(look_up(name).failure, "") << name;
    EXPECT_FALSE(result_.answer.is_from_network);
    EXPECT_NE(addresses().find("127.0.0.1:80"), std::string::npos) << addresses();
  }
  EXPECT_EQ(dns_.questions(), 0);
}

// ---- services -------------------------------------------------------------------------------------------------------

TEST_F(NameLookupTest, AsksForAServiceAndThenForItsHosts) {
  dns_.names["_api._tcp.test"] = {"60 SRV 20 1 82 b.test", "60 SRV 10 1 81 a.test"};
  dns_.names["a.test"] = {"60 A 192.0.2.1", "60 AAAA 2001:db8::1"};
  dns_.names["b.test"] = {"20 A 192.0.2.2"};
  EXPECT_EQ(look_up("_api._tcp.test", true).failure, "");
  EXPECT_EQ(addresses(), "[2001:db8::1]:81 192.0.2.1:81 192.0.2.2:82");
  EXPECT_EQ(result_.ttl, 20s);
  EXPECT_TRUE(result_.answer.is_from_network);
}

TEST_F(NameLookupTest, DoesWithoutTheHostsOfAServiceThatDoNotResolve) {
  dns_.names["_api._tcp.test"] = {"60 SRV 10 1 81 gone.test", "60 SRV 20 1 82 b.test"};
  dns_.names["b.test"] = {"20 A 192.0.2.2"};
  look_up("_api._tcp.test", true);
  EXPECT_EQ(addresses(), "192.0.2.2:82");
}

TEST_F(NameLookupTest, TellsThatAServiceIsNotThere) {
  dns_.names["_off._tcp.test"] = {"60 SRV 0 0 0 ."};
  EXPECT_EQ(look_up("_off._tcp.test", true).failure, "the service is not offered");
  EXPECT_EQ(look_up("_none._tcp.test", true).failure, "Domain name not found");
  dns_.names["_dead._tcp.test"] = {"60 SRV 10 1 81 gone.test"};
  EXPECT_EQ(look_up("_dead._tcp.test", true).failure, "Domain name not found");
}

TEST_F(NameLookupTest, DoesNotBelieveTheNamesOfAServicesHosts) {
  // "localhost" and literals come from the network here: only an answer of a name server counts, and it is guarded.
  dns_.names["_bad._tcp.test"] = {"60 SRV 10 1 81 localhost", "60 SRV 10 1 82 127.0.0.1"};
  EXPECT_NE(look_up("_bad._tcp.test", true).failure, "");
  EXPECT_EQ(addresses(), "");
}

TEST_F(NameLookupTest, AsksForABoundedNumberOfHosts) {
  std::vector<std::string>& records = dns_.names["_many._tcp.test"];
  for (int i = 0; i < 12; ++i) {
    const std::string name = "h" + std::to_string(i) + ".test";
    records.push_back("60 SRV " + std::to_string(100 - i) + " 1 80 " + name);
    dns_.names[name] = {"60 A 192.0.2." + std::to_string(i)};
  }
  look_up("_many._tcp.test", true);
  EXPECT_EQ(result_.answer.hosts.size(), NameLookup::kServiceHostsMax);
  EXPECT_EQ(result_.answer.hosts[0].record.host, "h11.test");
}

TEST_F(NameLookupTest, CountsTheServiceInTheDeadline) {
  dns_.set("_silent._tcp.test", DnsManner::kSilent);
  start("_silent._tcp.test", true);
  until_questions(1);
  support::pass_time(loop_, clock_, 30100ms);
  ASSERT_EQ(events_, 1);
  EXPECT_EQ(result_.failure, "no name server answered in time");
}

}  // namespace
}  // namespace viaduct::net

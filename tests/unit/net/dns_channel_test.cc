// SPDX-License-Identifier: Apache-2.0
#include "net/dns_channel.h"

#include <gtest/gtest.h>

#include <optional>

#include "support/scripted_dns.h"
#include "support/wait_until.h"

namespace viaduct::net {
namespace {

using namespace std::chrono_literals;
using support::DnsManner;
using support::RecordType;
using Kind = DnsAnswer::Kind;

struct Asker final : DnsHandler {
  void on_dns_answer(int query_id, DnsAnswer got) override {
    id = query_id;
    answer = std::move(got);
    ++events;
  }
  DnsAnswer answer;
  int id = 0;
  int events = 0;
};

class DnsChannelTest : public testing::Test {
 protected:
  DnsOptions options(base::Duration timeout = 3s) const { return {.servers = {dns_.address()}, .timeout = timeout}; }
  const DnsAnswer& ask(const std::string& name, DnsType type) {
    const int before = asker_.events;
    query_.ask(name, type);
    EXPECT_EQ(asker_.events, before);
    support::wait_until(loop_, [&] { return asker_.events > before; });
    EXPECT_FALSE(query_.is_asking());
    return asker_.answer;
  }

  base::SystemClock clock_;
  Loop loop_{clock_};
  support::ScriptedDns dns_{loop_};
  DnsChannel channel_{loop_, options()};
  Asker asker_;
  DnsQuery query_{channel_, asker_, 7};
};

TEST_F(DnsChannelTest, AsksAndTellsLater) {
  dns_.names["a.test"] = {"60 A 192.0.2.1", "60 AAAA 2001:db8::1"};
  EXPECT_EQ(ask("a.test", DnsType::kA).kind, Kind::kRecords);
  EXPECT_EQ(asker_.answer.records.addresses.at(0).to_string(), "192.0.2.1");
  EXPECT_EQ(asker_.id, 7);
  EXPECT_EQ(ask("a.test", DnsType::kAaaa).records.addresses.at(0).to_string(), "2001:db8::1");
  EXPECT_EQ(dns_.questions(), 2);
}

TEST_F(DnsChannelTest, TellsNoSuchNameFromNoSuchRecordAndBothFromFailure) {
  dns_.names["a.test"] = {"60 A 192.0.2.1"};
  dns_.set("failing.test", DnsManner::kServerFailure);
  EXPECT_EQ(ask("a.test", DnsType::kAaaa).kind, Kind::kNone);
  EXPECT_EQ(ask("none.test", DnsType::kA).kind, Kind::kNone);
  EXPECT_EQ(ask("failing.test", DnsType::kA).kind, Kind::kFailed);
  EXPECT_EQ(asker_.answer.error, "no name server has an answer");
  dns_.names["garbage.test"] = {"60 A 192.0.2.1"};
  dns_.set("garbage.test", DnsManner::kGarbage);
  EXPECT_EQ(ask("garbage.test", DnsType::kA).kind, Kind::kFailed);
}

TEST_F(DnsChannelTest, AsksByTcpForWhatWasCut) {
  dns_.names["long.test"] = {"60 A 192.0.2.1", "60 A 192.0.2.2"};
  dns_.set("long.test", DnsManner::kTruncated);
  EXPECT_EQ(ask("long.test", DnsType::kA).records.addresses.size(), 2u);
  EXPECT_EQ(dns_.questions_by_tcp(), 1);
}

TEST_F(DnsChannelTest, DoesNotBelieveAnswersToOtherQuestions) {
  channel_.configure(options(60ms));
  for (const DnsManner manner : {DnsManner::kWrongId, DnsManner::kWrongQuestion}) {
    dns_.names["a.test"] = {"60 A 192.0.2.66"};
    dns_.set("a.test", manner);
    EXPECT_EQ(ask("a.test", DnsType::kA).kind, Kind::kFailed);
  }
}

TEST_F(DnsChannelTest, AsksASilentServerAgain) {
  channel_.configure(options(60ms));
  dns_.set("silent.test", DnsManner::kSilent);
  EXPECT_EQ(ask("silent.test", DnsType::kA).kind, Kind::kFailed);
  EXPECT_EQ(dns_.questions("silent.test", RecordType::kA), 2);
}

TEST_F(DnsChannelTest, AsksTheNextServerWhenOneFails) {
  support::ScriptedDns second(loop_);
  second.names["a.test"] = {"60 A 192.0.2.1"};
  dns_.set("a.test", DnsManner::kServerFailure);
  channel_.configure({.servers = {dns_.address(), second.address()}, .timeout = 3s});
  EXPECT_EQ(ask("a.test", DnsType::kA).kind, Kind::kRecords);
}

TEST_F(DnsChannelTest, SaysNothingAfterCancel) {
  dns_.names["a.test"] = {"60 A 192.0.2.1"};
  query_.ask("a.test", DnsType::kA);
  query_.cancel();
  {
    DnsQuery gone(channel_, asker_, 1);
    gone.ask("a.test", DnsType::kAaaa);
  }
  support::wait_until(loop_, [this] { return dns_.questions() == 2; });
  support::settle(loop_);
  EXPECT_EQ(asker_.events, 0);
  EXPECT_EQ(ask("a.test", DnsType::kA).kind, Kind::kRecords);
}

TEST_F(DnsChannelTest, AsksAnewWhenItsServersChange) {
  support::ScriptedDns second(loop_);
  second.names["a.test"] = {"60 A 192.0.2.1"};
  dns_.set("a.test", DnsManner::kSilent);
  query_.ask("a.test", DnsType::kA);
  support::wait_until(loop_, [this] { return dns_.questions() == 1; });
  channel_.configure({.servers = {second.address()}, .timeout = 3s});
  support::wait_until(loop_, [this] { return asker_.events == 1; });
  EXPECT_EQ(asker_.answer.kind, Kind::kRecords);
  EXPECT_EQ(second.questions(), 1);
}

TEST_F(DnsChannelTest, TellsLaterAlsoWhereTheNameCannotBeAsked) {
  EXPECT_NE(ask("a..test", DnsType::kA).kind, Kind::kRecords);
  EXPECT_NE(ask(std::string(300, 'a') + ".test", DnsType::kA).kind, Kind::kRecords);
  EXPECT_EQ(dns_.questions(), 0);
}

TEST_F(DnsChannelTest, CanGoWhileQuestionsAreUnderWay) {
  dns_.set("silent.test", DnsManner::kSilent);
  std::optional<DnsChannel> channel;
  channel.emplace(loop_, options());
  {
    DnsQuery query(*channel, asker_, 1);
    query.ask("silent.test", DnsType::kA);
    support::wait_until(loop_, [this] { return dns_.questions() == 1; });
  }
  channel.reset();
  support::settle(loop_);
  EXPECT_EQ(asker_.events, 0);
}

TEST_F(DnsChannelTest, ReadsTheHostsFile) {
  EXPECT_FALSE(channel_.find_in_hosts_file("localhost").empty());
  EXPECT_TRUE(channel_.find_in_hosts_file("no-such-host.invalid").empty());
  EXPECT_EQ(dns_.questions(), 0);
}

}  // namespace
}  // namespace viaduct::net

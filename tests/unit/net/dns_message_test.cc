// SPDX-License-Identifier: Apache-2.0
#include "net/dns_message.h"

#include <gtest/gtest.h>

#include "support/scripted_dns.h"

namespace viaduct::net {
namespace {

using namespace std::chrono_literals;
using support::RecordType;

std::expected<DnsRecords, DnsFault> read(DnsType type, const std::string& bytes) {
  return read_dns_records(type, {reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

std::string text_of(const DnsRecords& records) {
  std::string text;
  for (const base::IpAddress& address : records.addresses) text += (text.empty() ? "" : " ") + address.to_string();
  return text;
}

TEST(DnsMessage, GivesAddressesInTheirOrderWithTheSmallestTtl) {
  const auto v4 = read(DnsType::kA, support::dns_answer("a.test", RecordType::kA,
                                                        {"60 A 192.0.2.2", "30 A 192.0.2.1", "90 A 192.0.2.2"}));
  ASSERT_TRUE(v4.has_value());
  EXPECT_EQ(text_of(*v4), "192.0.2.2 192.0.2.1");
  EXPECT_EQ(v4->ttl, 30s);
  const auto v6 = read(DnsType::kAaaa,
                       support::dns_answer("a.test", RecordType::kAaaa, {"7 AAAA 2001:db8::1", "8 AAAA 2001:db8::2"}));
  ASSERT_TRUE(v6.has_value());
  EXPECT_EQ(text_of(*v6), "2001:db8::1 2001:db8::2");
  EXPECT_EQ(v6->ttl, 7s);
}

TEST(DnsMessage, FollowsAliasesAndCountsTheirTtl) {
  const auto records =
      read(DnsType::kA, support::dns_answer("a.test", RecordType::kA,
                                            {"20 CNAME b.test", "b.test 10 CNAME c.test", "c.test 60 A 192.0.2.1"}));
  ASSERT_TRUE(records.has_value());
  EXPECT_EQ(text_of(*records), "192.0.2.1");
  EXPECT_EQ(records->ttl, 10s);
}

TEST(DnsMessage, TakesTheLargestTtlsForWhatTheyAre) {
  const auto zero = read(DnsType::kA, support::dns_answer("a.test", RecordType::kA, {"0 A 192.0.2.1"}));
  EXPECT_EQ(zero->ttl, 0s);
  const auto largest = read(DnsType::kA, support::dns_answer("a.test", RecordType::kA, {"2147483647 A 192.0.2.1"}));
  EXPECT_EQ(largest->ttl, 2147483647s);
  // RFC 2181 §8: with the highest bit set it is 0.
  const auto negative = read(DnsType::kA, support::dns_answer("a.test", RecordType::kA, {"2147483648 A 192.0.2.1"}));
  EXPECT_EQ(negative->ttl, 0s);
}

TEST(DnsMessage, ReadsTheHostsOfAService) {
  const std::vector<std::string> texts = {"60 SRV 10 20 8080 a.test", "40 SRV 20 0 8081 b.test"};
  const auto records = read(DnsType::kSrv, support::dns_answer("_api._tcp.test", RecordType::kSrv, texts));
  ASSERT_TRUE(records.has_value());
  ASSERT_EQ(records->services.size(), 2u);
  EXPECT_EQ(records->services[0], (ServiceRecord{.host = "a.test", .port = 8080, .priority = 10, .weight = 20}));
  EXPECT_EQ(records->services[1], (ServiceRecord{.host = "b.test", .port = 8081, .priority = 20, .weight = 0}));
  EXPECT_EQ(records->ttl, 40s);
}

TEST(DnsMessage, ShowsThatAServiceIsNotOfferedByAnEmptyHost) {
  const auto records = read(DnsType::kSrv, support::dns_answer("_api._tcp.test", RecordType::kSrv, {"60 SRV 0 0 0 ."}));
  ASSERT_TRUE(records.has_value());
  EXPECT_EQ(records->services[0].host, "");
}

TEST(DnsMessage, TellsThatThereIsNothingOfTheType) {
  for (const DnsType type : {DnsType::kA, DnsType::kAaaa, DnsType::kSrv}) {
    const auto asked = static_cast<RecordType>(type);
    EXPECT_EQ(read(type, support::dns_answer("a.test", asked, {})).error(), DnsFault::kNoRecords);
    const auto alias = read(type, support::dns_answer("a.test", asked, {"60 CNAME nowhere.test"}));
    EXPECT_EQ(alias.error(), DnsFault::kNoRecords) << static_cast<int>(type);
  }
}

TEST(DnsMessage, ReadsNoMoreRecordsThanItsBound) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < kDnsRecordsMax + 5; ++i) texts.push_back("60 A 192.0.2." + std::to_string(i));
  const auto records = read(DnsType::kA, support::dns_answer("a.test", RecordType::kA, texts));
  EXPECT_EQ(records->addresses.size(), kDnsRecordsMax);
  texts.clear();
  for (std::size_t i = 0; i < kDnsRecordsMax + 5; ++i) texts.push_back("60 SRV 1 1 80 a" + std::to_string(i));
  const auto services = read(DnsType::kSrv, support::dns_answer("a.test", RecordType::kSrv, texts));
  EXPECT_EQ(services->services.size(), kDnsRecordsMax);
}

TEST(DnsMessage, RefusesWhatIsCutAtAnyPlace) {
  struct Row {
    DnsType type;
    std::string bytes;
  };
  const Row rows[] = {
      {DnsType::kA, support::dns_answer("a.test", RecordType::kA, {"60 CNAME b.test", "b.test 60 A 192.0.2.1"})},
      {DnsType::kAaaa, support::dns_answer("a.test", RecordType::kAaaa, {"60 AAAA 2001:db8::1"})},
      {DnsType::kSrv, support::dns_answer("a.test", RecordType::kSrv, {"60 SRV 1 2 80 b.test"})},
  };
  for (const Row& row : rows) {
    for (std::size_t size = 0; size < row.bytes.size(); ++size) {
      const std::string cut = row.bytes.substr(0, size);
      EXPECT_FALSE(read(row.type, cut).has_value()) << static_cast<int>(row.type) << " cut at " << size;
    }
    EXPECT_TRUE(read(row.type, row.bytes).has_value());
  }
}

}  // namespace
}  // namespace viaduct::net

// SPDX-License-Identifier: Apache-2.0
#include "net/dns_message.h"

#include <ares.h>

#include <algorithm>
#include <array>
#include <memory>

namespace viaduct::net {
namespace {

constexpr std::size_t kHeaderBytes = 12;         // RFC 1035 §4.1.1
constexpr std::size_t kQuestionFieldsBytes = 4;  // type and class
constexpr std::size_t kRecordFieldsBytes = 10;   // type, class, TTL and length

// A TTL with its highest bit set counts as 0 (RFC 2181 §8).
base::Duration ttl_of(std::int32_t seconds) {
  return std::chrono::seconds(std::max(seconds, 0));
}

std::unexpected<DnsFault> wrong(int status) {
  return std::unexpected(status == ARES_ENODATA ? DnsFault::kNoRecords : DnsFault::kMalformed);
}

void add_address(DnsRecords& records, const base::IpAddress& address, int ttl) {
  if (std::ranges::find(records.addresses, address) == records.addresses.end()) records.addresses.push_back(address);
  records.ttl = std::min(records.ttl, ttl_of(ttl));
}

std::expected<DnsRecords, DnsFault> read_v4(std::span<const unsigned char> message) {
  std::array<ares_addrttl, kDnsRecordsMax> found{};
  int count = static_cast<int>(found.size());
  const int status =
      ares_parse_a_reply(message.data(), static_cast<int>(message.size()), nullptr, found.data(), &count);
  if (status != ARES_SUCCESS) return wrong(status);
  DnsRecords records{.addresses = {}, .services = {}, .ttl = base::Duration::max()};
  for (const ares_addrttl& one : std::span(found).first(static_cast<std::size_t>(count))) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(&one.ipaddr);
    add_address(records, base::IpAddress::from_bytes(bytes, sizeof one.ipaddr), one.ttl);
  }
  return records.addresses.empty() ? wrong(ARES_ENODATA) : std::expected<DnsRecords, DnsFault>(std::move(records));
}

std::expected<DnsRecords, DnsFault> read_v6(std::span<const unsigned char> message) {
  std::array<ares_addr6ttl, kDnsRecordsMax> found{};
  int count = static_cast<int>(found.size());
  const int status =
      ares_parse_aaaa_reply(message.data(), static_cast<int>(message.size()), nullptr, found.data(), &count);
  if (status != ARES_SUCCESS) return wrong(status);
  DnsRecords records{.addresses = {}, .services = {}, .ttl = base::Duration::max()};
  for (const ares_addr6ttl& one : std::span(found).first(static_cast<std::size_t>(count))) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(&one.ip6addr);
    add_address(records, base::IpAddress::from_bytes(bytes, sizeof one.ip6addr), one.ttl);
  }
  return records.addresses.empty() ? wrong(ARES_ENODATA) : std::expected<DnsRecords, DnsFault>(std::move(records));
}

// Walks over the names of a message, whose own reading is left to c-ares.
class RecordWalk {
 public:
  explicit RecordWalk(std::span<const unsigned char> message) : message_(message), at_(kHeaderBytes) {}

  bool skip(std::size_t bytes) {
    if (message_.size() - at_ < bytes) return false;
    at_ += bytes;
    return true;
  }
  bool skip_name() {
    char* name = nullptr;
    long length = 0;  // NOLINT(google-runtime-int): the type of c-ares
    const int status = at_ >= message_.size() ? ARES_EBADRESP
                                              : ares_expand_name(message_.data() + at_, message_.data(),
                                                                 static_cast<int>(message_.size()), &name, &length);
    if (status != ARES_SUCCESS) return false;
    ares_free_string(name);
    return skip(static_cast<std::size_t>(length));
  }
  // The number of `size` bytes that stands `offset` bytes further on. REQUIRES: it is inside the message.
  std::uint32_t number(std::size_t offset, std::size_t size) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | message_[at_ + offset + i];
    return value;
  }
  bool has(std::size_t bytes) const { return message_.size() - at_ >= bytes; }

 private:
  std::span<const unsigned char> message_;
  std::size_t at_;
};

// c-ares reads SRV records without their TTL. Zero where the message is malformed.
base::Duration smallest_ttl(std::span<const unsigned char> message) {
  if (message.size() < kHeaderBytes) return {};
  const unsigned questions = message[4] * 256U + message[5];
  const unsigned answers = message[6] * 256U + message[7];
  RecordWalk walk(message);
  for (unsigned i = 0; i < questions; ++i) {
    if (!walk.skip_name() || !walk.skip(kQuestionFieldsBytes)) return {};
  }
  base::Duration ttl = base::Duration::max();
  for (unsigned i = 0; i < answers; ++i) {
    if (!walk.skip_name() || !walk.has(kRecordFieldsBytes)) return {};
    ttl = std::min(ttl, ttl_of(static_cast<std::int32_t>(walk.number(4, 4))));
    if (!walk.skip(kRecordFieldsBytes + walk.number(8, 2))) return {};
  }
  return ttl;
}

std::expected<DnsRecords, DnsFault> read_services(std::span<const unsigned char> message) {
  ares_srv_reply* list = nullptr;
  const int status = ares_parse_srv_reply(message.data(), static_cast<int>(message.size()), &list);
  const std::unique_ptr<ares_srv_reply, decltype(&ares_free_data)> owned(list, ares_free_data);
  if (status != ARES_SUCCESS) return wrong(status);
  DnsRecords records{.addresses = {}, .services = {}, .ttl = smallest_ttl(message)};
  for (const ares_srv_reply* one = list; one != nullptr; one = one->next) {
    if (records.services.size() == kDnsRecordsMax) break;
    const std::string host = one->host;
    records.services.push_back({.host = host == "." ? std::string() : host,
                                .port = one->port,
                                .priority = one->priority,
                                .weight = one->weight});
  }
  return records.services.empty() ? wrong(ARES_ENODATA) : std::expected<DnsRecords, DnsFault>(std::move(records));
}

}  // namespace

std::expected<DnsRecords, DnsFault> read_dns_records(DnsType type, std::span<const unsigned char> message) {
  switch (type) {
    case DnsType::kA: return read_v4(message);
    case DnsType::kAaaa: return read_v6(message);
    case DnsType::kSrv: return read_services(message);
  }
  return wrong(ARES_EBADQUERY);
}

}  // namespace viaduct::net

// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_dns.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <sstream>

#include "base/bytes.h"

namespace viaduct::support {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr int kServerFailure = 2;  // RFC 1035 §4.1.1
constexpr int kNoSuchName = 3;

void put(std::string& out, std::uint32_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 0xffU);
}

void put_name(std::string& out, const std::string& name) {
  std::istringstream labels(name);
  for (std::string label; std::getline(labels, label, '.');) {
    if (!label.empty()) out += static_cast<char>(label.size()) + label;
  }
  out += '\0';
}

RecordType type_of(const std::string& word) {
  const std::map<std::string, RecordType> types = {
      {"A", RecordType::kA}, {"AAAA", RecordType::kAaaa}, {"CNAME", RecordType::kCname}, {"SRV", RecordType::kSrv}};
  EXPECT_TRUE(types.contains(word)) << word;
  return types.at(word);
}

std::string data_of(RecordType type, std::istringstream& words) {
  std::string data;
  std::string word;
  if (type == RecordType::kSrv) {
    for (int i = 0; i < 3; ++i) {
      words >> word;
      put(data, static_cast<std::uint32_t>(*base::parse_decimal(word)), 2);
    }
  }
  words >> word;
  if (type == RecordType::kA || type == RecordType::kAaaa) {
    // As written: a mapped address stays one of IPv6.
    std::array<unsigned char, 16> bytes{};
    const auto ip = base::IpAddress::parse(word);
    EXPECT_TRUE(ip.has_value()) << word;
    if (type == RecordType::kAaaa && ip->is_v4()) bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const std::size_t size = type == RecordType::kA ? 4 : 16;
    std::copy_n(ip->bytes(), ip->size(), bytes.begin() + static_cast<std::ptrdiff_t>(size - ip->size()));
    return {reinterpret_cast<const char*>(bytes.data()), size};
  }
  put_name(data, word);
  return data;
}

struct Record {
  std::string owner;
  RecordType type;
  std::string bytes;
};

Record read_record(const std::string& name, const std::string& text) {
  std::istringstream words(text);
  std::string owner;
  std::string ttl;
  std::string type;
  words >> owner;
  if (base::parse_decimal(owner)) {
    ttl = owner;
    owner = name;
  } else {
    words >> ttl;
  }
  words >> type;
  Record record{.owner = owner, .type = type_of(type), .bytes = {}};
  const std::string data = data_of(record.type, words);
  put_name(record.bytes, owner);
  put(record.bytes, static_cast<std::uint32_t>(record.type), 2);
  put(record.bytes, 1, 2);
  put(record.bytes, static_cast<std::uint32_t>(*base::parse_decimal(ttl)), 4);
  put(record.bytes, static_cast<std::uint32_t>(data.size()), 2);
  record.bytes += data;
  return record;
}

std::string message(std::uint32_t id, std::uint32_t flags, const std::string& question,
                    const std::vector<Record>& records) {
  std::string out;
  put(out, id, 2);
  put(out, 0x8180U | flags, 2);  // an answer, recursion available
  put(out, 1, 2);
  put(out, static_cast<std::uint32_t>(records.size()), 2);
  put(out, 0, 4);
  out += question;
  for (const Record& record : records) out += record.bytes;
  return out;
}

std::string question_bytes(const std::string& name, RecordType type) {
  std::string out;
  put_name(out, name);
  put(out, static_cast<std::uint32_t>(type), 2);
  put(out, 1, 2);
  return out;
}

std::vector<Record> records_for(const std::string& name, RecordType type, const std::vector<std::string>& texts) {
  std::vector<Record> records;
  for (const std::string& text : texts) {
    Record record = read_record(name, text);
    if (record.type == type || record.type == RecordType::kCname) records.push_back(std::move(record));
  }
  return records;
}

std::string name_in(std::string_view question) {
  std::string name;
  for (std::size_t at = kHeaderBytes; at < question.size() && question[at] != '\0';) {
    const auto length = static_cast<std::size_t>(question[at]);
    name += (name.empty() ? "" : ".") + std::string(question.substr(at + 1, length));
    at += 1 + length;
  }
  return base::lower_case(name);
}

}  // namespace

std::string dns_answer(const std::string& name, RecordType type, const std::vector<std::string>& records) {
  return message(1, 0, question_bytes(name, type), records_for(name, type, records));
}

ScriptedDns::ScriptedDns(net::Loop& loop)
    : tcp_(loop), udp_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)), watch_(loop) {
  sockaddr_storage storage{};
  const socklen_t length = tcp_.address().to_sockaddr(storage);
  EXPECT_EQ(::bind(udp_.get(), reinterpret_cast<const sockaddr*>(&storage), length), 0);
  watch_.open(udp_.get(), *this);
  watch_.set_reading(true);
  tcp_.on_bytes = [this](ScriptedConnection& connection) {
    while (connection.received.size() >= 2) {
      const auto high = static_cast<unsigned char>(connection.received[0]);
      const auto low = static_cast<unsigned char>(connection.received[1]);
      const std::size_t size = high * 256U + low;
      if (connection.received.size() < 2 + size) return;
      const std::string answered = answer(std::string_view(connection.received).substr(2, size), false);
      connection.received.erase(0, 2 + size);
      std::string framed;
      put(framed, static_cast<std::uint32_t>(answered.size()), 2);
      if (!answered.empty()) connection.send(framed + answered);
    }
  };
}

int ScriptedDns::questions(const std::string& name, RecordType type) const {
  const auto found = counts_.find({name, type});
  return found == counts_.end() ? 0 : found->second;
}

void ScriptedDns::on_fd_readable() {
  std::array<char, 2048> bytes;
  sockaddr_storage from{};
  socklen_t length = sizeof from;
  auto* const sender = reinterpret_cast<sockaddr*>(&from);
  const ssize_t got = ::recvfrom(udp_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT, sender, &length);
  if (got < static_cast<ssize_t>(kHeaderBytes)) return;
  const std::string answered = answer({bytes.data(), static_cast<std::size_t>(got)}, true);
  if (!answered.empty()) ::sendto(udp_.get(), answered.data(), answered.size(), 0, sender, length);
}

DnsManner ScriptedDns::manner_of(const std::string& name, RecordType type) const {
  for (const RecordType known : {type, RecordType::kAny}) {
    if (const auto found = manners_.find({name, known}); found != manners_.end()) return found->second;
  }
  return DnsManner::kAnswer;
}

std::string ScriptedDns::answer(std::string_view question, bool is_udp) {
  const auto number_at = [question](std::size_t at) {
    return static_cast<unsigned char>(question[at]) * 256U + static_cast<unsigned char>(question[at + 1]);
  };
  const std::string name = name_in(question);
  const std::size_t end = question.find('\0', kHeaderBytes);
  const auto type = static_cast<RecordType>(number_at(end + 1));
  const std::string asked(question.substr(kHeaderBytes, end + 5 - kHeaderBytes));
  const std::uint32_t id = number_at(0);
  ++counts_[{name, type}];
  ++total_;
  if (!is_udp) ++by_tcp_;
  const auto found = names.find(name);
  const bool exists = found != names.end();
  const std::vector<Record> records = exists ? records_for(name, type, found->second) : std::vector<Record>();
  switch (manner_of(name, type)) {
    case DnsManner::kAnswer: break;
    case DnsManner::kSilent: return {};
    case DnsManner::kServerFailure: return message(id, kServerFailure, asked, {});
    case DnsManner::kNoName: return message(id, kNoSuchName, asked, {});
    case DnsManner::kTruncated:
      if (is_udp) return message(id, 0x200U, asked, {});
      break;
    case DnsManner::kWrongId: return message(id ^ 1U, 0, asked, records);
    case DnsManner::kWrongQuestion: return message(id, 0, question_bytes("other.test", type), records);
    case DnsManner::kGarbage: return message(id, 0, asked, records).substr(0, kHeaderBytes + asked.size() + 5);
  }
  return message(id, exists ? 0 : kNoSuchName, asked, records);
}

}  // namespace viaduct::support

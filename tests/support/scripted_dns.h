// SPDX-License-Identifier: Apache-2.0
// A name server whose every answer is the test's: it listens on a free port of the loopback, over UDP and TCP, in the
// loop under test, answers from a table, and is silent, fails or lies where it is told to. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "support/scripted_server.h"

namespace viaduct::support {

// Types of records, RFC 1035 §3.2.2 and RFC 2782. kAny stands for all of them where a manner is set.
enum class RecordType : std::uint16_t { kAny = 0, kA = 1, kCname = 5, kAaaa = 28, kSrv = 33 };

enum class DnsManner : std::uint8_t {
  kAnswer,
  kSilent,
  kServerFailure,
  kNoName,         // NXDOMAIN, whatever the table says
  kTruncated,      // over UDP empty and marked as cut; whole over TCP
  kWrongId,        // the answer to a question that nobody asked
  kWrongQuestion,  // the answer to a question about another name
  kGarbage,        // a header and nothing that fits it
};

// The bytes of an answer to a question with id 1 for `name`. A record is "[OWNER] TTL TYPE DATA", with the data of
// master files: "60 A 192.0.2.1", "60 CNAME b.test", "b.test 5 SRV 10 20 8080 c.test"; without owner it is `name`'s.
std::string dns_answer(const std::string& name, RecordType type, const std::vector<std::string>& records);

class ScriptedDns final : private net::FdHandler {
 public:
  explicit ScriptedDns(net::Loop& loop);

  base::SocketAddress address() const { return tcp_.address(); }
  // What names have; asked for a type, it gives the records of that type and the aliases. Names that are not here do
  // not exist.
  std::map<std::string, std::vector<std::string>> names;
  // How questions for a name and a type are answered.
  void set(const std::string& name, DnsManner manner, RecordType type = RecordType::kAny) {
    manners_[{name, type}] = manner;
  }
  // Questions so far, over UDP and over TCP.
  int questions(const std::string& name, RecordType type) const;
  int questions() const { return total_; }
  int questions_by_tcp() const { return by_tcp_; }

 private:
  void on_fd_readable() override;
  void on_fd_writable() override {}
  // The answer, empty for none.
  std::string answer(std::string_view question, bool is_udp);
  DnsManner manner_of(const std::string& name, RecordType type) const;

  ScriptedServer tcp_;
  os::Fd udp_;
  net::FdWatch watch_;
  std::map<std::pair<std::string, RecordType>, DnsManner> manners_;
  std::map<std::pair<std::string, RecordType>, int> counts_;
  int total_ = 0;
  int by_tcp_ = 0;
};

}  // namespace viaduct::support

// SPDX-License-Identifier: Apache-2.0
// Questions to name servers, by c-ares on the worker's loop: its sockets are watched by the loop and its timeouts stand
// in the wheel, so that nothing blocks. Knows no caching and no names that belong together (net/name_lookup,
// net/resolver). c-ares asks again, asks the next server, and asks over TCP what was too long for UDP. One for each
// worker; one thread.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/dns_message.h"
#include "net/loop.h"

struct ares_channeldata;

namespace viaduct::net {

struct DnsAnswer {
  enum class Kind : std::uint8_t {
    kRecords,
    kNone,    // the servers say that there is no such name, or no such record of it
    kFailed,  // no server said anything that can be used
  };

  Kind kind = Kind::kFailed;
  DnsRecords records;  // kRecords
  std::string error;   // else
};

class DnsHandler {
 public:
  virtual void on_dns_answer(int query_id, DnsAnswer answer) = 0;

 protected:
  ~DnsHandler() = default;
};

struct DnsOptions {
  std::vector<base::SocketAddress> servers;  // empty: those of /etc/resolv.conf
  // How long a question may take. A server that is silent for a third of it is asked again, or the next one is.
  base::Duration timeout = std::chrono::seconds(3);
};

class DnsQuery;

class DnsChannel final : private TimerHandler, private TurnEnd {
 public:
  // `loop` must outlive the channel, and the channel its queries.
  DnsChannel(Loop& loop, DnsOptions options);
  ~DnsChannel();
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  // From now on asks as `options` say, and reads /etc/resolv.conf again; what is under way is asked anew.
  void configure(DnsOptions options);
  base::Duration timeout() const { return options_.timeout; }
  // The addresses of `name` in /etc/hosts, both families; empty when it is not there. Reads the file.
  std::vector<base::IpAddress> find_in_hosts_file(const std::string& name);

 private:
  friend class DnsQuery;
  class Socket;
  // A question that c-ares works on. It lives until c-ares has done with it, also when nobody waits any more.
  struct Pending {
    DnsChannel& channel;
    DnsQuery* query;  // null: nobody waits
    std::string name;
    DnsType type;
    DnsAnswer answer{};
    std::list<Pending>::iterator place{};  // in sent_ or done_
  };

  // Makes c-ares ready where it is not yet: who resolves no names has no memory for it. False: it cannot be.
  bool open();
  void close();
  void ask(DnsQuery& query, const std::string& name, DnsType type);
  void send(Pending& pending);
  void take_answer(Pending& pending, int status, std::span<const unsigned char> message);
  void end(Pending& pending, DnsAnswer answer);
  void on_socket_state(int fd, bool readable, bool writable);
  void process(int readable, int writable);
  void arm_timer();
  void on_timer(int timer_id) override;
  void on_turn_end() override;

  Loop& loop_;
  DnsOptions options_;
  Timer timer_;  // the next timeout of c-ares
  ares_channeldata* ares_ = nullptr;
  bool is_open_ = false;     // open() has been called for these options
  std::string failure_;      // why there is no ares_ then
  bool is_closing_ = false;  // c-ares ends its questions; they are no answers
  std::list<Pending> sent_;
  std::list<Pending> done_;  // told at the end of the turn
  std::map<int, std::unique_ptr<Socket>> sockets_;
  std::vector<std::unique_ptr<Socket>> closed_sockets_;  // to the end of the turn
};

// One question, a member of who asks it. Is asked no more when it is destroyed.
class DnsQuery {
 public:
  // Both must outlive the query.
  DnsQuery(DnsChannel& channel, DnsHandler& handler, int query_id)
      : channel_(channel), handler_(handler), query_id_(query_id) {}
  ~DnsQuery() { cancel(); }
  DnsQuery(const DnsQuery&) = delete;
  DnsQuery& operator=(const DnsQuery&) = delete;

  // Asks; exactly one event follows, later than this call. A name without a dot is looked up in the search domains of
  // the machine, any other as it is. REQUIRES: nothing is being asked.
  void ask(const std::string& name, DnsType type) { channel_.ask(*this, name, type); }
  void cancel() {
    if (pending_ != nullptr) pending_->query = nullptr;
    pending_ = nullptr;
  }
  bool is_asking() const { return pending_ != nullptr; }

 private:
  friend class DnsChannel;

  DnsChannel& channel_;
  DnsHandler& handler_;
  int query_id_;
  DnsChannel::Pending* pending_ = nullptr;
};

}  // namespace viaduct::net

// SPDX-License-Identifier: Apache-2.0
#include "net/dns_channel.h"

#include <ares.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace viaduct::net {
namespace {

// c-ares waits twice as long for the second try: a third of the whole time and two thirds.
constexpr int kTries = 2;
constexpr int kFirstTryShare = 3;
constexpr int kClassInternet = 1;  // RFC 1035 §3.2.4

std::string list_of(const std::vector<base::SocketAddress>& servers) {
  std::string list;
  for (const base::SocketAddress& server : servers) list += (list.empty() ? "" : ",") + server.to_string();
  return list;
}

bool says_none(int status) {
  return status == ARES_ENODATA || status == ARES_ENOTFOUND;
}

std::string explain(int status) {
  // What c-ares is left with when each server refused, failed or could not be reached.
  if (status == ARES_ECONNREFUSED || status == ARES_ESERVFAIL) return "no name server has an answer";
  return ares_strerror(status);
}

}  // namespace

// One socket of c-ares.
class DnsChannel::Socket final : private FdHandler {
 public:
  Socket(Loop& loop, DnsChannel& channel, int fd) : channel_(channel), fd_(fd), watch_(loop) { watch_.open(fd, *this); }

  void watch(bool readable, bool writable) {
    watch_.set_reading(readable);
    watch_.set_writing(writable);
  }

 private:
  void on_fd_readable() override { channel_.process(fd_, ARES_SOCKET_BAD); }
  void on_fd_writable() override { channel_.process(ARES_SOCKET_BAD, fd_); }

  DnsChannel& channel_;
  int fd_;
  FdWatch watch_;
};

DnsChannel::DnsChannel(Loop& loop, DnsOptions options)
    : loop_(loop), options_(std::move(options)), timer_(loop.timers(), *this) {}

DnsChannel::~DnsChannel() {
  close();
}

void DnsChannel::configure(DnsOptions options) {
  close();
  options_ = std::move(options);
  is_open_ = false;
  std::erase_if(sent_, [](const Pending& pending) { return pending.query == nullptr; });
  // A question that fails at once leaves the list.
  for (auto at = sent_.begin(); at != sent_.end();) send(*at++);
  arm_timer();
}

bool DnsChannel::open() {
  if (is_open_) return ares_ != nullptr;
  is_open_ = true;
  const auto timeout_ms = std::chrono::duration_cast<std::chrono::milliseconds>(options_.timeout).count();
  ares_options options{};
  options.timeout = std::max(1, static_cast<int>(timeout_ms / kFirstTryShare));
  options.tries = kTries;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<DnsChannel*>(self)->on_socket_state(fd, readable != 0, writable != 0);
  };
  options.sock_state_cb_data = this;
  int status = ares_init_options(&ares_, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS) ares_ = nullptr;
  if (status == ARES_SUCCESS && !options_.servers.empty()) {
    status = ares_set_servers_ports_csv(ares_, list_of(options_.servers).c_str());
  }
  failure_.clear();
  if (status == ARES_SUCCESS) return true;
  failure_ = ares_strerror(status);
  LOG_ERROR("resolver_failed error={}", base::quoted(failure_));
  close();
  return false;
}

void DnsChannel::close() {
  if (ares_ == nullptr) return;
  is_closing_ = true;
  ares_destroy(std::exchange(ares_, nullptr));
  is_closing_ = false;
}

std::vector<base::IpAddress> DnsChannel::find_in_hosts_file(const std::string& name) {
  std::vector<base::IpAddress> addresses;
  if (!open()) return addresses;
  for (const int family : {AF_INET6, AF_INET}) {
    hostent* host = nullptr;
    if (ares_gethostbyname_file(ares_, name.c_str(), family, &host) != ARES_SUCCESS) continue;
    const std::unique_ptr<hostent, decltype(&ares_free_hostent)> owned(host, ares_free_hostent);
    for (char** address = host->h_addr_list; *address != nullptr; ++address) {
      const auto* bytes = reinterpret_cast<const unsigned char*>(*address);
      addresses.push_back(base::IpAddress::from_bytes(bytes, static_cast<std::size_t>(host->h_length)));
    }
  }
  return addresses;
}

// ---- questions ------------------------------------------------------------------------------------------------------

void DnsChannel::ask(DnsQuery& query, const std::string& name, DnsType type) {
  DCHECK(!query.is_asking());
  Pending& pending = sent_.emplace_back(Pending{.channel = *this, .query = &query, .name = name, .type = type});
  pending.place = std::prev(sent_.end());
  query.pending_ = &pending;
  send(pending);
  arm_timer();
}

void DnsChannel::send(Pending& pending) {
  if (!open()) return end(pending, {.kind = DnsAnswer::Kind::kFailed, .records = {}, .error = failure_});
  // c-ares may call back before it returns.
  const ares_callback answered = [](void* asked, int status, int, unsigned char* bytes, int length) {
    auto& answered_pending = *static_cast<Pending*>(asked);
    const std::size_t size = bytes == nullptr ? 0 : static_cast<std::size_t>(length);
    answered_pending.channel.take_answer(answered_pending, status, {bytes, size});
  };
  const auto type = static_cast<int>(pending.type);
  if (pending.name.contains('.')) {
    ares_query(ares_, pending.name.c_str(), kClassInternet, type, answered, &pending);
  } else {
    ares_search(ares_, pending.name.c_str(), kClassInternet, type, answered, &pending);
  }
}

void DnsChannel::take_answer(Pending& pending, int status, std::span<const unsigned char> message) {
  if (is_closing_) return;
  DnsAnswer answer;
  if (status == ARES_SUCCESS) {
    auto records = read_dns_records(pending.type, message);
    if (records) return end(pending, {.kind = DnsAnswer::Kind::kRecords, .records = std::move(*records), .error = {}});
    status = records.error() == DnsFault::kNoRecords ? ARES_ENODATA : ARES_EBADRESP;
  }
  answer.kind = says_none(status) ? DnsAnswer::Kind::kNone : DnsAnswer::Kind::kFailed;
  answer.error = explain(status);
  end(pending, std::move(answer));
}

void DnsChannel::end(Pending& pending, DnsAnswer answer) {
  pending.answer = std::move(answer);
  done_.splice(done_.end(), sent_, pending.place);
  loop_.at_turn_end(*this);
}

void DnsChannel::on_turn_end() {
  closed_sockets_.clear();
  std::list<Pending> due;
  due.splice(due.end(), done_);
  for (Pending& pending : due) {
    if (pending.query == nullptr) continue;
    DnsQuery& query = *std::exchange(pending.query, nullptr);
    query.pending_ = nullptr;
    query.handler_.on_dns_answer(query.query_id_, std::move(pending.answer));
  }
}

// ---- sockets and time -----------------------------------------------------------------------------------------------

void DnsChannel::on_socket_state(int fd, bool readable, bool writable) {
  if (readable || writable) {
    auto& socket = sockets_[fd];
    if (socket == nullptr) socket = std::make_unique<Socket>(loop_, *this, fd);
    return socket->watch(readable, writable);
  }
  const auto found = sockets_.find(fd);
  if (found == sockets_.end()) return;
  // c-ares may close a socket while it handles an event of it: the object lives to the end of the turn.
  found->second->watch(false, false);
  closed_sockets_.push_back(std::move(found->second));
  sockets_.erase(found);
  loop_.at_turn_end(*this);
}

void DnsChannel::process(int readable, int writable) {
  if (ares_ == nullptr) return;
  ares_process_fd(ares_, readable, writable);
  arm_timer();
}

void DnsChannel::on_timer(int) {
  process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void DnsChannel::arm_timer() {
  timeval next{};
  if (ares_ == nullptr || ares_timeout(ares_, nullptr, &next) == nullptr) return timer_.stop();
  timer_.start_after(std::chrono::seconds(next.tv_sec) + std::chrono::microseconds(next.tv_usec));
}

}  // namespace viaduct::net

// SPDX-License-Identifier: Apache-2.0
#include "net/resolver.h"

#include <ares.h>
#include <netdb.h>

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "base/format.h"
#include "base/log.h"

namespace viaduct::net {
namespace {

constexpr int kQueryTimeoutMs = 2000;
constexpr int kQueryTries = 3;

struct Answer {
  std::vector<base::IpAddress> addresses;
  base::Duration ttl{};
};

Answer read_answer(const ares_addrinfo& info) {
  Answer answer{.addresses = {}, .ttl = Resolver::kTtlMax};
  for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
    if (answer.addresses.size() == Resolver::kAddressesMax) break;
    const auto address = base::SocketAddress::from_sockaddr(node->ai_addr, node->ai_addrlen);
    if (std::ranges::find(answer.addresses, address.ip()) == answer.addresses.end()) {
      answer.addresses.push_back(address.ip());
    }
    answer.ttl = std::min<base::Duration>(answer.ttl, std::chrono::seconds(node->ai_ttl));
  }
  answer.ttl = std::max(answer.ttl, Resolver::kTtlMin);
  return answer;
}

}  // namespace

// The c-ares channel with its sockets and timer, and what it has answered.
class Resolver::Channel final : private TimerHandler, private TurnEnd {
 public:
  explicit Channel(Loop& loop) : loop_(loop), query_timer_(loop.timers(), *this) {
    ares_options options{};
    options.timeout = kQueryTimeoutMs;
    options.tries = kQueryTries;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
      static_cast<Channel*>(self)->on_socket_state(fd, readable != 0, writable != 0);
    };
    options.sock_state_cb_data = this;
    const int flags = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    if (const int status = ares_init_options(&channel_, &options, flags); status != ARES_SUCCESS) {
      LOG_ERROR("resolver_failed error={}", base::quoted(ares_strerror(status)));
      channel_ = nullptr;
    }
  }

  ~Channel() {
    closing_ = true;
    if (channel_ != nullptr) ares_destroy(channel_);
  }

  const std::vector<base::IpAddress>* find(const std::string& name) {
    if (const auto literal = base::IpAddress::parse(name)) {
      literal_.assign(1, *literal);
      return &literal_;
    }
    const auto found = entries_.find(name);
    if (found == entries_.end()) return nullptr;
    const Entry& entry = *found->second;
    return !entry.addresses.empty() && loop_.now() < entry.fresh_until ? &entry.addresses : nullptr;
  }

  void resolve(const std::string& name, ResolveWaiter& waiter) {
    Entry& entry = entry_of(name);
    entry.waiters.push_back(waiter);
    if (entry.is_asking) return;
    if (find(name) != nullptr || (!entry.failure.empty() && loop_.now() < entry.fresh_until)) {
      loop_.at_turn_end(*this);
      return;
    }
    ask(entry);
  }

 private:
  struct Entry {
    Channel* channel = nullptr;
    std::string name;
    std::vector<base::IpAddress> addresses;  // the last good answer
    std::string failure;                     // why the last question failed; empty when it did not
    base::MonoTime fresh_until;
    bool is_asking = false;
    base::IntrusiveList<ResolveWaiter, ResolveWaiter> waiters;
  };

  // One socket of c-ares.
  class Socket final : private FdHandler {
   public:
    Socket(Loop& loop, Channel& channel, ares_socket_t fd) : channel_(channel), fd_(fd), watch_(loop) {
      watch_.open(fd, *this);
    }
    void watch(bool readable, bool writable) {
      watch_.set_reading(readable);
      watch_.set_writing(writable);
    }

   private:
    void on_fd_readable() override { channel_.process(fd_, ARES_SOCKET_BAD); }
    void on_fd_writable() override { channel_.process(ARES_SOCKET_BAD, fd_); }

    Channel& channel_;
    ares_socket_t fd_;
    FdWatch watch_;
  };

  Entry& entry_of(const std::string& name) {
    auto& entry = entries_[name];
    if (entry == nullptr) {
      entry = std::make_unique<Entry>();
      entry->channel = this;
      entry->name = name;
      if (const auto literal = base::IpAddress::parse(name)) {
        entry->addresses.assign(1, *literal);
        entry->fresh_until = base::MonoTime::max();
      }
    }
    return *entry;
  }

  void ask(Entry& entry) {
    if (channel_ == nullptr) {
      entry.failure = "no resolver";
      entry.fresh_until = loop_.now() + kFailureTtl;
      loop_.at_turn_end(*this);
      return;
    }
    entry.is_asking = true;
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(
        channel_, entry.name.c_str(), nullptr, &hints,
        [](void* self, int status, int, ares_addrinfo* info) {
          auto& asked = *static_cast<Entry*>(self);
          asked.channel->on_answer(asked, status, info);
        },
        &entry);
    arm_query_timer();
  }

  void on_answer(Entry& entry, int status, ares_addrinfo* info) {
    const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owned(info, ares_freeaddrinfo);
    entry.is_asking = false;
    if (closing_) return;
    Answer answer = status == ARES_SUCCESS && info != nullptr ? read_answer(*info) : Answer{};
    if (!answer.addresses.empty()) {
      entry.addresses = std::move(answer.addresses);
      entry.failure.clear();
      entry.fresh_until = loop_.now() + answer.ttl;
    } else {
      entry.failure = status == ARES_SUCCESS ? "no addresses" : ares_strerror(status);
      entry.fresh_until = loop_.now() + kFailureTtl;
      LOG_WARNING("resolve_failed name={} error={} kept_addresses={}", base::quoted(entry.name),
                  base::quoted(entry.failure), entry.addresses.size());
    }
    loop_.at_turn_end(*this);
  }

  void on_turn_end() override {
    closed_sockets_.clear();
    for (auto& [name, entry] : entries_) {
      if (!entry->is_asking && !entry->waiters.empty()) deliver(*entry);
    }
  }

  void deliver(Entry& entry) {
    base::IntrusiveList<ResolveWaiter, ResolveWaiter> waiters;
    waiters.splice_back(entry.waiters);
    const base::Error error{.side = base::Side::kUpstream,
                            .retryable = true,
                            .code = 0,
                            .message = base::format("name {} does not resolve: {}", entry.name, entry.failure)};
    while (!waiters.empty()) {
      ResolveWaiter& waiter = waiters.front();
      waiter.unlink();
      // A name that once resolved stays usable while its name servers fail.
      entry.addresses.empty() ? waiter.on_resolve_failed(error) : waiter.on_resolved(entry.addresses);
    }
  }

  void on_socket_state(ares_socket_t fd, bool readable, bool writable) {
    if (!readable && !writable) {
      // c-ares may close a socket while it handles an event of it: the object lives to the end of the turn.
      if (const auto found = sockets_.find(fd); found != sockets_.end()) {
        found->second->watch(false, false);
        closed_sockets_.push_back(std::move(found->second));
        sockets_.erase(found);
        loop_.at_turn_end(*this);
      }
      return;
    }
    auto& socket = sockets_[fd];
    if (socket == nullptr) socket = std::make_unique<Socket>(loop_, *this, fd);
    socket->watch(readable, writable);
  }

  void process(ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel_, readable, writable);
    arm_query_timer();
  }

  void on_timer(int) override { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }

  void arm_query_timer() {
    timeval next{};
    if (ares_timeout(channel_, nullptr, &next) == nullptr) {
      query_timer_.stop();
      return;
    }
    query_timer_.start_after(std::chrono::seconds(next.tv_sec) + std::chrono::microseconds(next.tv_usec));
  }

  Loop& loop_;
  Timer query_timer_;
  ares_channel channel_ = nullptr;
  bool closing_ = false;
  std::unordered_map<std::string, std::unique_ptr<Entry>> entries_;
  std::map<ares_socket_t, std::unique_ptr<Socket>> sockets_;
  std::vector<std::unique_ptr<Socket>> closed_sockets_;
  std::vector<base::IpAddress> literal_;
};

Resolver::Resolver(Loop& loop) : channel_(std::make_unique<Channel>(loop)) {}

Resolver::~Resolver() = default;

const std::vector<base::IpAddress>* Resolver::find(const std::string& name) {
  return channel_->find(name);
}

void Resolver::resolve(const std::string& name, ResolveWaiter& waiter) {
  channel_->resolve(name, waiter);
}

}  // namespace viaduct::net

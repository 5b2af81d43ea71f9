// SPDX-License-Identifier: Apache-2.0
#include "net/dial_race.h"

#include <cerrno>
#include <utility>

#include "base/check.h"

namespace viaduct::net {
namespace {

// How much an error says about the server itself.
int rank_of(int error_number) {
  if (is_shortage(error_number)) return 0;
  switch (error_number) {
    case 0: return -1;
    case ECONNREFUSED:
    case ECONNRESET:
    case ENOENT: return 3;
    case ETIMEDOUT: return 2;
    default: return 1;  // ENETUNREACH and its like: our own network
  }
}

}  // namespace

class DialRace::Attempt final : public DialHandler {
 public:
  Attempt(DialRace& race, std::size_t index) : race_(race), index_(index), dialer_(race.loop_, *this) {}

  void dial(const base::SocketAddress& address) { dialer_.dial(address); }
  void cancel() { dialer_.cancel(); }

 private:
  void on_dialed(os::Fd fd) override { race_.on_attempt_dialed(index_, std::move(fd)); }
  void on_dial_failed(const base::Error& error) override { race_.on_attempt_failed(index_, error); }

  DialRace& race_;
  std::size_t index_;
  Dialer dialer_;
};

DialRace::DialRace(Loop& loop, DialHandler& handler)
    : loop_(loop), handler_(handler), next_timer_(loop.timers(), *this) {}

DialRace::~DialRace() = default;

void DialRace::start(std::vector<base::SocketAddress> addresses) {
  CHECK(!addresses.empty() && addresses_.empty());
  addresses_ = std::move(addresses);
  dial_next();
}

void DialRace::dial_next() {
  const std::size_t index = attempts_.size();
  ++pending_;
  attempts_.push_back(std::make_unique<Attempt>(*this, index));
  attempts_.back()->dial(addresses_[index]);
  attempts_.size() < addresses_.size() ? next_timer_.start_after(kNextAttemptDelay) : next_timer_.stop();
}

void DialRace::on_timer(int) {
  dial_next();
}

void DialRace::on_attempt_dialed(std::size_t index, os::Fd fd) {
  decided_by_ = index;
  cancel();
  handler_.on_dialed(std::move(fd));
}

void DialRace::on_attempt_failed(std::size_t index, const base::Error& error) {
  --pending_;
  if (rank_of(error.code) > rank_of(error_.code)) {
    error_ = error;
    decided_by_ = index;
  }
  if (attempts_.size() < addresses_.size()) return dial_next();
  if (pending_ == 0) handler_.on_dial_failed(error_);
}

void DialRace::cancel() {
  next_timer_.stop();
  for (const auto& attempt : attempts_) attempt->cancel();
}

}  // namespace viaduct::net

// SPDX-License-Identifier: Apache-2.0
// Whether anybody is left at the other end of a connection to a server: a host that lost its power, or a path that
// forgot the connection, says nothing. Silence behind a request is answered with a PING (RFC 9113 §6.7), and silence
// behind that with doubt, until a byte comes. Member of H2Client, which sends the PING and knows the clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/time.h"

namespace viaduct::codec {

class H2Pulse {
 public:
  // How long a request waits in silence before the server is asked, and how long the answer to that may take.
  static constexpr base::Duration kPatience = std::chrono::seconds(1);
  // PINGs without a frame of an answer in between. gRPC's servers end the connection at the third one too many.
  static constexpr int kPingsMax = 2;

  // Bytes came.
  void note_heard(base::MonoTime now) {
    heard_at_ = now;
    is_asked_ = is_lost_ = false;
  }
  // A frame of an answer came.
  void note_answer() { pings_left_ = kPingsMax; }
  base::MonoTime heard_at() const { return heard_at_; }

  // Whether a PING is to be sent now for a request that waits for its answer since `since`; it counts as sent.
  bool ask(base::MonoTime since, base::MonoTime now) {
    if (now < asks_at(since)) return false;
    --pings_left_;
    is_asked_ = true;
    asked_at_ = now;
    return true;
  }
  // When to look again where a request waits since `since`; MonoTime::max(): it need not be looked. One request makes
  // for one PING.
  base::MonoTime asks_at(base::MonoTime since) const {
    const bool may_ask = !is_asked_ && !is_lost_ && pings_left_ > 0 && since >= asked_at_;
    return may_ask ? std::max(since, heard_at_) + kPatience : base::MonoTime::max();
  }
  // When the answer to the PING is overdue; MonoTime::max() where none is due.
  base::MonoTime deadline() const { return is_asked_ ? asked_at_ + kPatience : base::MonoTime::max(); }

  // A request that waited for its answer since `since` was given up from this side; update() says what that means.
  void note_given_up(base::MonoTime since) { given_up_since_ = std::min(given_up_since_, since); }
  // What follows from the present.
  void update(base::MonoTime now) {
    if (now >= deadline()) {
      is_asked_ = false;
      is_lost_ = true;
    }
    if (given_up_since_ == base::MonoTime::max()) return;
    const base::MonoTime since = std::exchange(given_up_since_, base::MonoTime::max());
    if (!is_asked_ && heard_at_ <= since && now - since >= kPatience) is_lost_ = true;
  }
  // Nothing more should be sent there until something is heard.
  bool is_lost() const { return is_lost_; }

 private:
  base::MonoTime heard_at_{};
  base::MonoTime asked_at_{};  // the last PING
  base::MonoTime given_up_since_ = base::MonoTime::max();
  int pings_left_ = kPingsMax;
  bool is_asked_ = false;  // and the answer is due
  bool is_lost_ = false;
};

}  // namespace viaduct::codec

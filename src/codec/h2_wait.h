// SPDX-License-Identifier: Apache-2.0
// What one HTTP/2 stream waits for and since when. Streams share a connection and its timer, so each keeps its own time
// of waiting, from a present that the codec is told. Member of the streams of H2Server and H2Client. No timers here:
// the codec asks for the next deadline.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace viaduct::codec {

// Bytes that have moved, and when the last of them did.
struct H2Progress {
  std::uint64_t bytes = 0;
  base::MonoTime at;

  void note(std::uint64_t count, base::MonoTime now) {
    bytes += count;
    if (count > 0) at = now;
  }
};

class H2Wait {
 public:
  enum class Kind : std::uint8_t {
    kNone,
    kReceive,  // bytes are due from the other side
    kSend,     // bytes wait for the other side's window of this stream
    kTurn,     // bytes wait for their turn among those of other streams, or for the connection's window
  };

  Kind kind() const { return kind_; }
  // Begin of the wait, or its last progress.
  base::MonoTime since() const { return since_; }
  // Notes what is waited for from now on, and what has moved since the last call of that which was waited for until
  // now.
  void update(Kind kind, const H2Progress& moved, base::MonoTime now) {
    rate_bytes_ += moved.bytes;
    if (moved.bytes > 0) since_ = std::max(since_, moved.at);
    if (kind == kind_) return;
    since_ = now;
    turn_rate(kind, now);
    kind_ = kind;
  }
  // Bytes of this stream were sent, whatever it waited for.
  void note_sent(std::uint64_t bytes) { sent_bytes_ += bytes; }
  // When a limit may be reached; MonoTime::max() where there is none.
  base::MonoTime deadline(std::optional<base::Duration> limit, std::optional<std::uint64_t> min_rate,
                          base::MonoTime now) const {
    if (kind_ == Kind::kNone) return base::MonoTime::max();
    base::MonoTime deadline = limit ? since_ + *limit : base::MonoTime::max();
    if (min_rate) deadline = std::min(deadline, std::max(rate_since_ + kRateGrace, now + kRateInterval));
    return deadline;
  }
  bool is_over(std::optional<base::Duration> limit, base::MonoTime now) const {
    return kind_ != Kind::kNone && limit && now >= since_ + *limit;
  }
  // Fewer than `min_rate` bytes a second moved since the wait began, once it has lasted as long as the grace.
  bool is_too_slow(std::optional<std::uint64_t> min_rate, base::MonoTime now) const {
    if (kind_ == Kind::kNone || !min_rate || now - rate_since_ < kRateGrace) return false;
    const double seconds = std::chrono::duration<double>(now - rate_since_).count();
    const std::uint64_t bytes = kind_ == Kind::kSend ? sent_bytes_ : rate_bytes_;
    return static_cast<double>(bytes) < static_cast<double>(*min_rate) * seconds;
  }

 private:
  // An answer waits for its window, for its turn and for more of itself: what it waited for its window counts together.
  // Else a slow reader would begin anew with every piece that it took.
  void turn_rate(Kind next, base::MonoTime now) {
    if (kind_ == Kind::kSend) sending_ = now - rate_since_;
    rate_since_ = now - (next == Kind::kSend ? sending_ : base::Duration(0));
    rate_bytes_ = 0;
  }

  // How long a stream may stay below the rate at first, and how often it is looked at then.
  static constexpr base::Duration kRateGrace = std::chrono::seconds(10);
  static constexpr base::Duration kRateInterval = std::chrono::seconds(1);

  Kind kind_ = Kind::kNone;
  base::MonoTime since_;       // begin of the wait, or its last progress
  base::MonoTime rate_since_;  // begin of the wait; with kSend, as if all such waits had been one
  std::uint64_t rate_bytes_ = 0;
  base::Duration sending_{0};  // in earlier waits of kSend
  std::uint64_t sent_bytes_ = 0;
};

}  // namespace viaduct::codec

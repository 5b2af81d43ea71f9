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

class H2Wait {
 public:
  enum class Kind : std::uint8_t {
    kNone,
    kReceive,  // bytes are due from the other side
    kSend,     // bytes wait for the other side's window
  };

  Kind kind() const { return kind_; }
  // Notes what is waited for now and how many bytes have moved since the last call.
  void update(Kind kind, std::size_t moved_bytes, base::MonoTime now) {
    const bool is_new = kind != kind_;
    kind_ = kind;
    if (is_new) {
      rate_since_ = now;
      rate_bytes_ = 0;
    }
    if (is_new || moved_bytes > 0) since_ = now;
    rate_bytes_ += moved_bytes;
  }
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
    return static_cast<double>(rate_bytes_) < static_cast<double>(*min_rate) * seconds;
  }

 private:
  // How long a stream may stay below the rate at first, and how often it is looked at then.
  static constexpr base::Duration kRateGrace = std::chrono::seconds(10);
  static constexpr base::Duration kRateInterval = std::chrono::seconds(1);

  Kind kind_ = Kind::kNone;
  base::MonoTime since_;       // begin of the wait, or its last progress
  base::MonoTime rate_since_;  // begin of the wait
  std::uint64_t rate_bytes_ = 0;
};

}  // namespace viaduct::codec

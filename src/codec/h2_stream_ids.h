// SPDX-License-Identifier: Apache-2.0
// Which streams a client has begun, as far back as frames for them may still be on their way: what a frame for a stream
// that is over means depends on how it came to be over (RFC 9113 §5.1, §5.1.1). Member of H2Server. Pure.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>

namespace viaduct::codec {

class H2StreamIds {
 public:
  enum class Past : std::uint8_t {
    kIdle,     // not begun yet
    kSkipped,  // never begun: a later one was, so that it is closed
    kReset,    // begun, and reset by us: what the client sent before it knew is no fault
    kBegun,
  };

  // How many of the newest streams are remembered; what is older was begun and ended.
  static constexpr std::size_t kRemembered = 512;

  // A new stream. REQUIRES: `id` is odd and above all before.
  void begin(std::int32_t id) {
    const std::size_t number = number_of(id);
    if (number - newest_ > kRemembered) {
      begun_.reset();
      reset_.reset();
    } else {
      for (std::size_t skipped = newest_ + 1; skipped <= number; ++skipped) forget(skipped);
    }
    newest_ = number;
    begun_.set(number % kRemembered);
  }
  // We have reset it, or refused it.
  void reset(std::int32_t id) {
    const std::size_t number = number_of(id);
    if (number > newest_) begin(id);
    if (is_remembered(number)) reset_.set(number % kRemembered);
  }
  // REQUIRES: `id` is odd.
  Past find(std::int32_t id) const {
    const std::size_t number = number_of(id);
    if (number > newest_) return Past::kIdle;
    if (!is_remembered(number)) return Past::kBegun;
    if (reset_.test(number % kRemembered)) return Past::kReset;
    return begun_.test(number % kRemembered) ? Past::kBegun : Past::kSkipped;
  }

 private:
  // Streams of clients are odd: the first has number 1.
  static std::size_t number_of(std::int32_t id) { return (static_cast<std::size_t>(id) + 1) / 2; }
  bool is_remembered(std::size_t number) const { return newest_ - number < kRemembered; }
  void forget(std::size_t number) {
    begun_.reset(number % kRemembered);
    reset_.reset(number % kRemembered);
  }

  std::size_t newest_ = 0;
  std::bitset<kRemembered> begun_;
  std::bitset<kRemembered> reset_;
};

}  // namespace viaduct::codec

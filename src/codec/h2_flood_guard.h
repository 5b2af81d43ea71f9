// SPDX-License-Identifier: Apache-2.0
// Counts what costs the sender of HTTP/2 frames little and us much (RFC 9113 §10.5), so that a connection that does
// nothing else is ended with a reason. Each kind has a budget that refills with time; whoever uses HTTP/2 as it is
// meant stays far below. Member of H2Server and H2Client. Knows no clock: the present is told.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "codec/h2_limits.h"
#include "codec/h2_session.h"
#include "http/reason.h"

namespace viaduct::codec {

class H2FloodGuard {
 public:
  // CONTINUATION frames behind one HEADERS frame.
  static constexpr unsigned kContinuationsMax = 8;

  // Longer DATA frames cost their sender enough, also where they are padding alone.
  static constexpr std::size_t kSmallFrameBytes = 16;

  // Bytes of DATA that may come for streams that are over, beside what their windows allowed: what may be on its way
  // where nobody has reset them, as behind our goodbye.
  explicit H2FloodGuard(std::size_t discarded_bytes = kH2ConnectionWindow) : discard_left_(discarded_bytes) {}

  // A new turn of the owner's clock.
  void set_time(base::MonoTime now);
  // Counts a frame that begins. Anything but kNone ends the connection. `is_stray`: HEADERS or DATA that nobody here
  // reads, since their stream is over for us; HPACK decodes such a block all the same, and such DATA is given back to
  // the connection's window.
  http::Reason count(const H2FrameInfo& frame, bool is_stray = false);
  // The DATA frame that began last holds a byte of a body: it is not empty.
  void note_data() { is_empty_data_ = false; }
  // A stream was reset by the other side, or had to be reset for its faults.
  http::Reason count_reset();
  // We reset a stream, for whatever reason: its trailers may be on their way, or a whole answer, and of its body as
  // much as its window still allowed.
  void note_our_reset(std::size_t window_bytes);
  // So many bytes of DATA more may come for streams that are over.
  void allow_discard(std::size_t bytes) { discard_left_ += bytes; }
  // Body bytes went out: window updates for them are earned.
  void earn_window_updates(std::size_t bytes);
  // A DATA frame went out, however short: who measures how fast bytes come (gRPC for Go does) answers it with a ping
  // and a window update each for stream and connection.
  void note_data_sent();
  // A request was answered to its end: another one may be reset.
  void earn_reset() { earn(kReset, 1); }

 private:
  enum Kind : std::uint8_t { kReset, kPing, kSettings, kPriority, kEmptyFrame, kWindowUpdate, kStrayBlock, kKindCount };
  struct Budget {
    std::uint32_t burst;       // what may come at once
    std::uint32_t per_second;  // and then
    http::Reason reason;
  };
  static const std::array<Budget, kKindCount> kBudgets;

  http::Reason spend(Kind kind, std::size_t count = 1);
  void earn(Kind kind, std::uint32_t count);

  std::array<std::uint32_t, kKindCount> spent_{};
  unsigned continuations_ = 0;
  bool is_stray_block_ = false;  // of the last HEADERS
  std::size_t discard_left_;
  bool is_empty_data_ = false;      // of the last frame: DATA that may turn out to be padding alone
  std::size_t unearned_bytes_ = 0;  // sent, and not yet worth a window update
  base::MonoTime refilled_at_;
};

}  // namespace viaduct::codec

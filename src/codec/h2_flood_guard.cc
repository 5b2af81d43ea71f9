// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_flood_guard.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace viaduct::codec {

using http::Reason;

namespace {

// A client that reads a response sends a window update every few KiB, some for stream and connection each.
constexpr std::size_t kBytesPerWindowUpdate = 512;
// A short response is acknowledged once or twice, and a request may tell its priority apart.
constexpr std::uint32_t kWindowUpdatesPerRequest = 4;
constexpr std::uint32_t kPrioritiesPerRequest = 2;
constexpr std::uint32_t kWindowUpdatesPerFrame = 2;
// A header block that nobody reads costs so much, and one more for so many bytes of it.
constexpr std::size_t kStrayBlockCost = 16;
constexpr std::size_t kStrayBytesPerCost = 256;
// Behind our reset: a head and trailers, and 8 KiB of them.
constexpr std::uint32_t kStrayCostPerReset = 64;

}  // namespace

// A browser that leaves a page resets some dozens of streams; a client of gRPC pings every few seconds.
const std::array<H2FloodGuard::Budget, H2FloodGuard::kKindCount> H2FloodGuard::kBudgets = {{
    {.burst = 200, .per_second = 20, .reason = Reason::kH2ResetFlood},
    {.burst = 100, .per_second = 10, .reason = Reason::kH2PingFlood},
    {.burst = 50, .per_second = 5, .reason = Reason::kH2SettingsFlood},
    {.burst = 500, .per_second = 50, .reason = Reason::kH2PriorityFlood},
    {.burst = 200, .per_second = 20, .reason = Reason::kH2EmptyFrameFlood},
    {.burst = 2000, .per_second = 200, .reason = Reason::kH2WindowUpdateFlood},
    // 512 blocks or 2 MiB at once: a hundred requests are given up, and each of them has its answer under way.
    {.burst = 8192, .per_second = 800, .reason = Reason::kH2HeaderFlood},
}};

void H2FloodGuard::set_time(base::MonoTime now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - refilled_at_).count();
  if (seconds <= 0) return;
  refilled_at_ += std::chrono::seconds(seconds);
  for (std::size_t kind = 0; kind < kKindCount; ++kind) {
    // Nobody has spent more than the burst, which refills within an hour whatever the rate.
    const auto refill = static_cast<std::uint32_t>(std::min<std::int64_t>(seconds, 3600)) * kBudgets[kind].per_second;
    earn(static_cast<Kind>(kind), refill);
  }
}

Reason H2FloodGuard::spend(Kind kind, std::size_t count) {
  if (kBudgets[kind].burst - spent_[kind] < count) return kBudgets[kind].reason;
  spent_[kind] += static_cast<std::uint32_t>(count);
  return Reason::kNone;
}

Reason H2FloodGuard::count(const H2FrameInfo& frame, bool is_stray) {
  if (std::exchange(is_empty_data_, false)) {
    if (const Reason reason = spend(kEmptyFrame); reason != Reason::kNone) return reason;
  }
  switch (frame.type) {
    case NGHTTP2_HEADERS:
      continuations_ = 0;
      is_stray_block_ = is_stray;
      if (is_stray) return spend(kStrayBlock, kStrayBlockCost + frame.length / kStrayBytesPerCost);
      earn(kWindowUpdate, kWindowUpdatesPerRequest);
      earn(kPriority, kPrioritiesPerRequest);
      return Reason::kNone;
    case NGHTTP2_CONTINUATION:
      if (++continuations_ > kContinuationsMax) return Reason::kH2ContinuationFlood;
      return is_stray_block_ ? spend(kStrayBlock, frame.length / kStrayBytesPerCost) : Reason::kNone;
    case NGHTTP2_DATA: {
      const bool is_end = (frame.flags & NGHTTP2_FLAG_END_STREAM) != 0;
      is_empty_data_ = !is_end && frame.length <= kSmallFrameBytes;
      if (!is_stray) return Reason::kNone;
      if (frame.length > discard_left_) return Reason::kH2FlowControlError;
      discard_left_ -= frame.length;
      return Reason::kNone;
    }
    case NGHTTP2_RST_STREAM: return count_reset();
    case NGHTTP2_PING: return spend(kPing);
    case NGHTTP2_SETTINGS: return spend(kSettings);
    case NGHTTP2_PRIORITY:
    case NGHTTP2_PRIORITY_UPDATE: return spend(kPriority);
    case NGHTTP2_WINDOW_UPDATE: return spend(kWindowUpdate);
    // Frames that nobody knows are skipped (RFC 9113 §5.5); they cost what an empty one does.
    default: return spend(kEmptyFrame);
  }
}

Reason H2FloodGuard::count_reset() {
  return spend(kReset);
}

void H2FloodGuard::note_our_reset(std::size_t window_bytes) {
  earn(kStrayBlock, kStrayCostPerReset);
  allow_discard(window_bytes);
}

void H2FloodGuard::earn_window_updates(std::size_t bytes) {
  unearned_bytes_ += bytes;
  const auto earned = static_cast<std::uint32_t>(unearned_bytes_ / kBytesPerWindowUpdate);
  unearned_bytes_ %= kBytesPerWindowUpdate;
  earn(kWindowUpdate, earned);
}

void H2FloodGuard::note_data_sent() {
  earn(kPing, 1);
  earn(kWindowUpdate, kWindowUpdatesPerFrame);
}

void H2FloodGuard::earn(Kind kind, std::uint32_t count) {
  spent_[kind] -= std::min(spent_[kind], count);
}

}  // namespace viaduct::codec

// SPDX-License-Identifier: Apache-2.0
#include "upstream/slow_start.h"

#include <algorithm>

namespace viaduct::upstream {

std::uint32_t share_of(const ServerState& state, base::Duration slow_start, base::MonoTime now) {
  const base::MonoTime::rep recovered_at = state.recovered_at.load(std::memory_order_relaxed);
  if (recovered_at == 0) return kFullShare;
  // Another worker's clock may be ahead of ours by a turn.
  const base::Duration passed = std::max(now.time_since_epoch() - base::Duration(recovered_at), base::Duration(0));
  if (passed >= slow_start) return kFullShare;
  const auto grown = static_cast<std::uint32_t>((kFullShare - kFirstShare) * passed / slow_start);
  return kFirstShare + grown;
}

}  // namespace viaduct::upstream

// SPDX-License-Identifier: Apache-2.0
#include "daemon/guard_rules.h"

#include <algorithm>

#include "base/format.h"

namespace viaduct::daemon {
namespace {

double share_of(const AnswerCount& count) {
  // A failure without an exchange (a connection that was refused) is not among the answers.
  const std::uint64_t all = std::max(count.answers, count.failures);
  return all == 0 ? 0 : static_cast<double>(count.failures) / static_cast<double>(all);
}

}  // namespace

std::optional<std::string> explain_worse(const GuardCounts& counts) {
  for (const CallbackCount& route : counts.callbacks) {
    if (route.failures_before == 0 && route.failures_after >= kCallbackFailuresMin) {
      return base::format("the callback route {} has {} failures, before it had none", route.name,
                          route.failures_after);
    }
  }
  const double before = share_of(counts.before);
  const double after = share_of(counts.after);
  if (counts.after.failures < kFailuresMin || after <= kShareMin || after <= before * kShareGrowth) return std::nullopt;
  return base::format("{} of {} answers are failures made here ({:.1f} %), before it were {:.1f} %",
                      counts.after.failures, counts.after.answers, after * 100, before * 100);
}

}  // namespace viaduct::daemon

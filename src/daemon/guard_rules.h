// SPDX-License-Identifier: Apache-2.0
// Whether a reload has made things worse: what was counted in a time before it against what was counted since. Looks at
// failures that are Viaduct's own or those of what is behind it; what a client can bring about alone is not among them.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace viaduct::daemon {

// Fewer failures since the reload than this tell nothing.
inline constexpr std::uint64_t kFailuresMin = 5;
// The share of failures is worse when it is more than so many times the share before...
inline constexpr double kShareGrowth = 2.0;
// ...and more than this.
inline constexpr double kShareMin = 0.01;
// So many failures on a callback route that had none before are worse, whatever the share is: each may be a payment.
inline constexpr std::uint64_t kCallbackFailuresMin = 3;

// One callback route.
struct CallbackCount {
  std::string name;  // "www.example.com/payment"
  std::uint64_t failures_before = 0;
  std::uint64_t failures_after = 0;
};

// What was counted in a time.
struct AnswerCount {
  std::uint64_t answers = 0;
  std::uint64_t failures = 0;  // among them, made here
};

struct GuardCounts {
  AnswerCount before;
  AnswerCount after;
  std::vector<CallbackCount> callbacks{};
};

// Why it is worse, as a sentence; absent where it is not.
std::optional<std::string> explain_worse(const GuardCounts& counts);

}  // namespace viaduct::daemon

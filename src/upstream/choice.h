// SPDX-License-Identifier: Apache-2.0
// Why a request went to the server that it went to, as logs say it: the policy's own choice, or what left it none.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "config/types.h"

namespace viaduct::upstream {

enum class Choice : std::uint8_t {
  kNone,
  kOnlyServer,  // the upstream has no other
  kRoundRobin,
  kLeastRequests,
  kHash,
  kLastLeft,  // the others were tried, have no room or are left out
  kBackup,    // no server is left that is not a backup
  kSameAgain  // a kept connection to it was dead; a new one is tried
};

// The policy's own choice.
constexpr Choice choice_of(config::BalanceKind kind) {
  switch (kind) {
    case config::BalanceKind::kRoundRobin: return Choice::kRoundRobin;
    case config::BalanceKind::kLeastRequests: return Choice::kLeastRequests;
    case config::BalanceKind::kHashClientIp:
    case config::BalanceKind::kHashPath:
    case config::BalanceKind::kHashHeader: break;
  }
  return Choice::kHash;
}

constexpr std::string_view choice_name(Choice choice) {
  switch (choice) {
    case Choice::kNone: break;
    case Choice::kOnlyServer: return "only_server";
    case Choice::kRoundRobin: return "round_robin";
    case Choice::kLeastRequests: return "least_requests";
    case Choice::kHash: return "hash";
    case Choice::kLastLeft: return "last_left";
    case Choice::kBackup: return "backup";
    case Choice::kSameAgain: return "same_again";
  }
  return {};
}

}  // namespace viaduct::upstream

// SPDX-License-Identifier: Apache-2.0
// Whether a failed attempt may be made again: a pure function, the only place that decides it. The rule: a request is
// sent at most once unless it is certain that no server has begun with it, or the method or the callback's contract
// makes a second time harmless (RFC 9110 §9.2.2).
#pragma once

#include <cstdint>

#include "http/reason.h"

namespace viaduct::upstream {

struct FailedAttempt {
  bool connected = false;      // false: no connection came about, nothing was sent
  bool reused = false;         // the connection had carried a request before
  bool answered = false;       // a byte of an answer had come
  bool body_kept = false;      // the whole body is still here to be sent again
  bool idempotent = false;     // the method
  bool callback = false;       // a callback route: at-least-once by contract
  bool retried_fresh = false;  // this request has already been sent again on a fresh connection
  bool retried_held = false;   // and after a pause, for `hold`
  bool servers_left = false;   // another server may be tried (retry.attempts)
  bool holds = false;          // the upstream has `hold`: its servers are expected to go and come
  http::Reason reason = http::Reason::kNone;
};

enum class RetryVerdict : std::uint8_t {
  kGiveUp,
  kNextServer,       // nothing was sent: try another server
  kFreshConnection,  // the kept connection had died under us: the same server, once, on a new connection
  kHold,             // a server went away with an idempotent request: any server, once, after a pause
};

RetryVerdict decide_retry(const FailedAttempt& attempt);

}  // namespace viaduct::upstream

// SPDX-License-Identifier: Apache-2.0
// Whether a request that was sent and failed may be sent again: a pure function, the only place that decides it. The
// rule: a request is sent at most once unless it is certain that no server has begun with it, or the method or the
// callback's contract makes a second time harmless (RFC 9110 §9.2.2). Where no connection came about nothing was sent,
// and ConnectionSearch goes on to the next server by itself; it also knows whether one is left (retry.attempts).
#pragma once

#include <cstdint>

#include "http/reason.h"

namespace viaduct::upstream {

// One that failed to connect has its reason alone (for Ejector).
struct FailedAttempt {
  bool reused = false;         // the connection had carried a request before
  bool answered = false;       // a byte of an answer had come
  bool body_kept = false;      // the whole body is still here to be sent again
  bool idempotent = false;     // the method
  bool callback = false;       // a callback route: at-least-once by contract
  bool retried_fresh = false;  // this request has already been sent again on a fresh connection
  bool retried_held = false;   // and after a pause, for `hold`
  bool holds = false;          // the upstream has `hold`: its servers are expected to go and come
  bool told = false;           // of a connection that others waited for too, and one of them has told it
  http::Reason reason = http::Reason::kNone;
};

enum class RetryVerdict : std::uint8_t {
  kGiveUp,
  kNextServer,       // the server has begun with nothing: another one, if the search finds one
  kFreshConnection,  // the kept connection had died under us: the same server, once, on a new connection
  kHold,             // a server went away with an idempotent request: any server, once, after a pause
};

// What to do with a request whose attempt failed behind its connection.
RetryVerdict decide_retry(const FailedAttempt& attempt);

}  // namespace viaduct::upstream

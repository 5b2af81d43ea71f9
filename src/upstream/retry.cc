// SPDX-License-Identifier: Apache-2.0
#include "upstream/retry.h"

namespace viaduct::upstream {

RetryVerdict decide_retry(const FailedAttempt& attempt) {
  const bool is_whole = !attempt.answered && attempt.body_kept;
  // The server says that it has not begun with it (RFC 9113 §8.7), whatever the method.
  if (attempt.reason == http::Reason::kUpstreamRefusedStream) {
    if (!is_whole) return RetryVerdict::kGiveUp;
    return attempt.retried_fresh ? RetryVerdict::kNextServer : RetryVerdict::kFreshConnection;
  }
  // The server refused the handshake, which TLS 1.3 tells behind its end: it has begun with nothing.
  if (attempt.reason == http::Reason::kUpstreamTlsFailed) {
    return is_whole ? RetryVerdict::kNextServer : RetryVerdict::kGiveUp;
  }
  // Waiting is never repeated: a server that is slow would get the request twice.
  const bool died = attempt.reason == http::Reason::kUpstreamClosed || attempt.reason == http::Reason::kUpstreamReset;
  if (!died || !is_whole) return RetryVerdict::kGiveUp;
  const bool is_repeatable = attempt.idempotent || attempt.callback;
  if (attempt.reused && is_repeatable && !attempt.retried_fresh) return RetryVerdict::kFreshConnection;
  // A server that is restarted takes connections with it that it had not looked at. Nothing says so, hence only for
  // methods of which a second time does no harm, and one time more: what ends one server would end the next.
  const bool may_hold = attempt.holds && attempt.idempotent && !attempt.retried_held;
  return may_hold ? RetryVerdict::kHold : RetryVerdict::kGiveUp;
}

}  // namespace viaduct::upstream

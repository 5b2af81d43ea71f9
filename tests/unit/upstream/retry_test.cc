// SPDX-License-Identifier: Apache-2.0
#include "upstream/retry.h"

#include <gtest/gtest.h>

#include <array>

namespace viaduct::upstream {
namespace {

using http::Reason;

constexpr auto kAllReasons = std::to_array({
#define VIADUCT_REASON_VALUE(enumerator, name, status, sentence) Reason::enumerator,
    VIADUCT_REASONS(VIADUCT_REASON_VALUE)
#undef VIADUCT_REASON_VALUE
});

// The attempt whose six answers are the bits of `bits`.
FailedAttempt attempt_of(unsigned bits, Reason reason) {
  return {.reused = (bits & 1) != 0,
          .answered = (bits & 2) != 0,
          .body_kept = (bits & 4) != 0,
          .idempotent = (bits & 8) != 0,
          .callback = (bits & 16) != 0,
          .retried_fresh = (bits & 32) != 0,
          .reason = reason};
}

constexpr unsigned kCases = 64;

// Section 8 of the contract, word for word, for every combination.
TEST(Retry, FollowsTheTableInEveryCase) {
  for (const Reason reason : kAllReasons) {
    for (unsigned bits = 0; bits < kCases; ++bits) {
      const FailedAttempt attempt = attempt_of(bits, reason);
      RetryVerdict wanted = RetryVerdict::kGiveUp;
      if (reason == Reason::kUpstreamRefusedStream) {
        const bool is_untouched = !attempt.answered && attempt.body_kept;
        if (is_untouched && !attempt.retried_fresh) wanted = RetryVerdict::kFreshConnection;
        if (is_untouched && attempt.retried_fresh) wanted = RetryVerdict::kNextServer;
      } else if (reason == Reason::kUpstreamTlsFailed) {
        const bool is_untouched = !attempt.answered && attempt.body_kept;
        if (is_untouched) wanted = RetryVerdict::kNextServer;
      } else {
        const bool was_dead = attempt.reused && !attempt.answered &&
                              (reason == Reason::kUpstreamClosed || reason == Reason::kUpstreamReset);
        const bool is_harmless = (attempt.idempotent || attempt.callback) && attempt.body_kept;
        if (was_dead && is_harmless && !attempt.retried_fresh) wanted = RetryVerdict::kFreshConnection;
      }
      EXPECT_EQ(decide_retry(attempt), wanted) << bits << " " << http::reason_name(reason);
    }
  }
}

TEST(Retry, NeverSendsAgainWhatMayHaveBegun) {
  struct Row {
    std::string_view why;
    FailedAttempt attempt;
  };
  const FailedAttempt dead = {.reused = true, .body_kept = true, .idempotent = true, .reason = Reason::kUpstreamClosed};
  ASSERT_EQ(decide_retry(dead), RetryVerdict::kFreshConnection);
  const auto changed = [&dead](auto change) {
    FailedAttempt attempt = dead;
    change(attempt);
    return attempt;
  };
  const std::initializer_list<Row> rows = {
      {"a fresh connection", changed([](FailedAttempt& a) { a.reused = false; })},
      {"a byte of an answer", changed([](FailedAttempt& a) { a.answered = true; })},
      {"a POST", changed([](FailedAttempt& a) { a.idempotent = false; })},
      {"a body that is gone", changed([](FailedAttempt& a) { a.body_kept = false; })},
      {"a second time", changed([](FailedAttempt& a) { a.retried_fresh = true; })},
      {"a slow head", changed([](FailedAttempt& a) { a.reason = Reason::kUpstreamHeaderTimeout; })},
      {"a slow reader", changed([](FailedAttempt& a) { a.reason = Reason::kUpstreamSendTimeout; })},
      {"the deadline", changed([](FailedAttempt& a) { a.reason = Reason::kUpstreamTotalTimeout; })},
      {"a stream that was reset", changed([](FailedAttempt& a) { a.reason = Reason::kUpstreamStreamReset; })},
      {"garbage", changed([](FailedAttempt& a) { a.reason = Reason::kUpstreamInvalidResponse; })},
  };
  for (const Row& row : rows) EXPECT_EQ(decide_retry(row.attempt), RetryVerdict::kGiveUp) << row.why;
}

// Where servers go and come, one may go with connections in its hands that it has not looked at; or it went for what
// the request is, and the next one would go, too.
TEST(Retry, HoldsIdempotentRequestsOnceWhereServersGoAndCome) {
  const FailedAttempt gone = {.body_kept = true, .idempotent = true, .holds = true, .reason = Reason::kUpstreamReset};
  EXPECT_EQ(decide_retry(gone), RetryVerdict::kHold);
  FailedAttempt attempt = gone;
  attempt.reused = true;
  EXPECT_EQ(decide_retry(attempt), RetryVerdict::kFreshConnection);
  attempt.retried_fresh = true;
  EXPECT_EQ(decide_retry(attempt), RetryVerdict::kHold);
  for (const auto spoil : std::initializer_list<void (*)(FailedAttempt&)>{
           [](FailedAttempt& a) { a.answered = true; }, [](FailedAttempt& a) { a.body_kept = false; },
           [](FailedAttempt& a) { a.idempotent = false; }, [](FailedAttempt& a) { a.holds = false; },
           [](FailedAttempt& a) { a.retried_held = true; },
           [](FailedAttempt& a) {
             a.idempotent = false;
             a.callback = true;
           },
           [](FailedAttempt& a) { a.reason = Reason::kUpstreamHeaderTimeout; }}) {
    attempt = gone;
    spoil(attempt);
    EXPECT_EQ(decide_retry(attempt), RetryVerdict::kGiveUp);
  }
}

}  // namespace
}  // namespace viaduct::upstream

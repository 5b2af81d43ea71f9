// SPDX-License-Identifier: Apache-2.0
// Preconditions of a request for something that exists: If-Match, If-Unmodified-Since, If-None-Match,
// If-Modified-Since and If-Range (RFC 9110 §13). For answers that are made here; proxied requests carry theirs to the
// upstream. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/fields.h"
#include "http/method.h"

namespace viaduct::http {

// What the selected representation can be compared by.
struct Validators {
  std::string_view etag;                      // with its quotes, W/ in front of a weak one; empty: there is none
  std::optional<std::int64_t> last_modified;  // seconds since 1970
};

enum class Precondition : std::uint8_t {
  kProceed,      // answer as if there had been no condition
  kNotModified,  // 304
  kFailed,       // 412
};

// Weighs the conditions of a request in the order of RFC 9110 §13.2.2. `now_seconds` is for dates with two-digit years.
// Conditions that cannot be read: If-Match fails, since whoever sent it wanted protection; the others are as if they
// were not there.
Precondition evaluate_preconditions(const Fields& fields, Method method, const Validators& validators,
                                    std::int64_t now_seconds);

// True when Range applies as far as If-Range goes: it is absent, or holds the strong ETag or the exact
// Last-Modified of what would be sent (RFC 9110 §13.1.5). A date that is not in the past yet is not strong.
bool allows_range(const Fields& fields, const Validators& validators, std::int64_t now_seconds);

}  // namespace viaduct::http

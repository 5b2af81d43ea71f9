// SPDX-License-Identifier: Apache-2.0
// Status codes: their reason phrases, as IANA has them, and what they say about the body (RFC 9110 §15).
// Pure functions; any thread.
#pragma once

#include <string_view>

namespace viaduct::http {

// The reason phrase of `status` as registered with IANA; empty for a status that is not.
std::string_view status_text(int status);

// 1xx: an interim response, another one follows (101 apart). RFC 9110 §15.2.
constexpr bool is_informational(int status) {
  return status >= 100 && status < 200;
}

// 1xx, 204 and 304 never have a body, whatever their fields say (RFC 9110 §6.4.1).
constexpr bool forbids_body(int status) {
  return is_informational(status) || status == 204 || status == 304;
}

}  // namespace viaduct::http

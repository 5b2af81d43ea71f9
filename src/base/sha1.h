// SPDX-License-Identifier: Apache-2.0
// SHA-1 (FIPS 180-4) of one text, by OpenSSL: for protocols that prescribe it (RFC 6455 §4.2.2), where it proves that
// somebody read what was sent. Never for secrets, signatures or tables. Pure function; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace viaduct::base {

inline constexpr std::size_t kSha1Bytes = 20;

std::array<unsigned char, kSha1Bytes> sha1(std::string_view bytes);

}  // namespace viaduct::base

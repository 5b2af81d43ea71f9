// SPDX-License-Identifier: Apache-2.0
// Passwords against what crypt(3) made of them: bcrypt, SHA-crypt and yescrypt, as `htpasswd -B`, `mkpasswd` and
// `openssl passwd` write them. Slow by design. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

namespace viaduct::os {

// What is wrong with `hash` as something to compare passwords with, and what to do; empty when nothing is. Hashes that
// can be guessed too fast are refused, and those that would take longer than about 2 s.
std::string explain_password_hash(std::string_view hash);

// Whether `hash` was made of `password`. Takes 1 ms to 2 s, and the same time for every password. Needs 32 KiB.
// REQUIRES: explain_password_hash(hash) is empty.
bool password_matches(const std::string& password, const std::string& hash);

}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
// The users of basic_auth: a file of lines `user:hash`, as `htpasswd -B` writes it. Empty lines and those that begin
// with # say nothing. Pure function; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/types.h"
#include "config/units.h"

namespace viaduct::config {

// The users of `text`, or what is wrong with its first bad line, which never shows the line itself.
Parsed<std::vector<PasswordEntry>> parse_password_file(std::string_view text);

}  // namespace viaduct::config

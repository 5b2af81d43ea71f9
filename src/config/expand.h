// SPDX-License-Identifier: Apache-2.0
// What stands for something else in a config value: `${NAME}` for an environment variable, `${name}` for a variable of
// the request, `file:PATH` for a secret that is kept in a file. Errors are text for the operator and never hold a
// secret. Cold path; any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/units.h"

namespace viaduct::config {

// Looks an environment variable up; absent when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
// The environment of this process.
std::optional<std::string> process_environment(const std::string& name);

// A secret is at most this long.
inline constexpr std::size_t kSecretBytesMax = 64 * 1024;

// The variables of a request that text like `redirect.to` may hold.
std::vector<std::string> request_variables();

// Whether a variable of a request stands in `text`, be it known or not.
bool names_request_variable(std::string_view text);

// Replaces `${NAME}` and `${NAME:-default}` (NAME in capitals) by the environment; the default also stands in for an
// empty variable. `${name}` in lower case stays as it is when `variables` knows it, and is an error otherwise.
Parsed<std::string> expand(std::string_view text, const Environment& environment,
                           std::span<const std::string> variables = {});

// The content of the file at `path` without its final line end.
Parsed<std::string> read_secret_file(const std::string& path);

// `path` itself when it is absolute, else below `directory`.
std::string resolve_path(std::string_view path, std::string_view directory);

}  // namespace viaduct::config

// SPDX-License-Identifier: Apache-2.0
// Media types of files by their names (RFC 9110 §8.3.1, RFC 2046): what static files are sent as. A table that never
// changes; any thread.
#pragma once

#include <string_view>

namespace viaduct::http {

// The value of Content-Type for the file at `path`, by the extension of its last segment without case; UTF-8 is said
// for text. "application/octet-stream" where the extension is missing or not known.
std::string_view media_type(std::string_view path);

}  // namespace viaduct::http

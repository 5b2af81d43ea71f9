// SPDX-License-Identifier: Apache-2.0
// Text formatting. GCC 12 has no std::format, so this names the library that stands in for it, in one place. Cold paths
// only: nothing on the request path formats text that is not written.
#pragma once

#include <fmt/format.h>

namespace viaduct::base {

using fmt::format;

}  // namespace viaduct::base

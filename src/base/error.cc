// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <system_error>

namespace viaduct::base {

std::unexpected<Error> fail_errno(std::string what, int error_number) {
  return std::unexpected(
      Error{.code = error_number, .message = std::move(what) + ": " + std::generic_category().message(error_number)});
}

}  // namespace viaduct::base

// SPDX-License-Identifier: Apache-2.0
// Expected failures as values: Result<T> holds a T or an Error. An Error knows which side failed and whether trying
// again is safe, so that status code, log level and retry follow from it instead of being decided where it is seen.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace viaduct::base {

// Who caused a failure.
enum class Side : unsigned char {
  kInternal,  // this process or the machine below it
  kClient,    // whoever called us
  kUpstream,  // a server that we called
};

// One failure, for a program (side, retryable, code) and for a person (message).
struct Error {
  Side side = Side::kInternal;
  // True when nothing of the operation reached the other side, so that doing it again cannot do it twice.
  bool retryable = false;
  // errno where a system call failed, else 0.
  int code = 0;
  // One sentence that names the object, the value, the limit and the remedy; no secrets.
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

// Makes an internal, not retryable error with `message`.
[[nodiscard]] inline std::unexpected<Error> fail(std::string message) {
  return std::unexpected(Error{.message = std::move(message)});
}

// Makes an error of a failed system call: `what` followed by the text of `error_number`.
[[nodiscard]] std::unexpected<Error> fail_errno(std::string what, int error_number);

}  // namespace viaduct::base

// Evaluates `expression` (a Result<void> or Result<T>) and returns its error from the enclosing function, if any.
#define TRY(expression)                                            \
  do {                                                             \
    if (auto try_result = (expression); !try_result.has_value()) { \
      return std::unexpected(std::move(try_result).error());       \
    }                                                              \
  } while (false)

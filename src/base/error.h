// SPDX-License-Identifier: Apache-2.0
// Expected failures as values: Result<T> holds a T or an Error, which is for a person, with the number of a system call
// that failed. What becomes of an exchange, and whether it is tried again, follows from its http::Reason instead.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace viaduct::base {

// One failure, for a program (code) and for a person (message).
struct Error {
  // errno where a system call failed, else 0.
  int code = 0;
  // One sentence that names the object, the value, the limit and the remedy; no secrets.
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

// Makes an error with `message`.
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

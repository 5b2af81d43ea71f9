// SPDX-License-Identifier: Apache-2.0
#include "http/method.h"

#include <array>
#include <utility>

#include "http/syntax.h"

namespace viaduct::http {
namespace {

// In the order of the enum.
constexpr std::array<std::string_view, std::to_underlying(Method::kOther) + 1> kNames = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", ""};

}  // namespace

Method parse_method(std::string_view token) {
  for (std::size_t i = 0; i < std::to_underlying(Method::kOther); ++i) {
    if (token == kNames[i]) return static_cast<Method>(i);
  }
  return Method::kOther;
}

std::string_view method_name(Method method) {
  return kNames.at(std::to_underlying(method));
}

bool is_idempotent(Method method) {
  return is_safe(method) || method == Method::kPut || method == Method::kDelete;
}

bool is_safe(Method method) {
  return method == Method::kGet || method == Method::kHead || method == Method::kOptions || method == Method::kTrace;
}

bool is_token(std::string_view text) {
  return !text.empty() && token_length(text) == text.size();
}

}  // namespace viaduct::http

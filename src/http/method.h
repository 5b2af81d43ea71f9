// SPDX-License-Identifier: Apache-2.0
// Request methods of RFC 9110 §9 and PATCH (RFC 5789). Methods are case-sensitive tokens; any other token is kOther and
// keeps its text.
#pragma once

#include <cstdint>
#include <string_view>

namespace viaduct::http {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kDelete, kConnect, kOptions, kTrace, kPatch, kOther };

// The method that `token` names; kOther for every token that is none of them.
Method parse_method(std::string_view token);
// Its name; empty for kOther.
std::string_view method_name(Method method);
// RFC 9110 §9.2.2: doing it twice has the effect of doing it once.
bool is_idempotent(Method method);
// RFC 9110 §9.2.1: GET, HEAD, OPTIONS, TRACE.
bool is_safe(Method method);
// RFC 9110 §5.6.2: one or more tchar.
bool is_token(std::string_view text);

}  // namespace viaduct::http

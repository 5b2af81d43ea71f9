// SPDX-License-Identifier: Apache-2.0
// Answers in multipart/byteranges (RFC 9110 §14.6) without the boundary, which is another one each time, so that they
// can be compared. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "support/captured_response.h"

namespace viaduct::support {

// The boundary that the Content-Type of `response` states; empty where it is no multipart.
inline std::string boundary_of(const CapturedResponse& response) {
  constexpr std::string_view kBegin = "multipart/byteranges; boundary=\"";
  const std::string type = response.field("Content-Type");
  return type.starts_with(kBegin) ? type.substr(kBegin.size(), type.size() - kBegin.size() - 1) : "";
}

// `text` of `response` with "cut" for the boundary.
inline std::string with_cuts(const CapturedResponse& response, std::string text) {
  const std::string boundary = boundary_of(response);
  if (boundary.empty()) return text;
  for (std::size_t at = text.find(boundary); at != std::string::npos; at = text.find(boundary, at)) {
    text.replace(at, boundary.size(), "cut");
  }
  return text;
}

inline std::string body_with_cuts(const CapturedResponse& response) {
  return with_cuts(response, response.body);
}

}  // namespace viaduct::support

// SPDX-License-Identifier: Apache-2.0
// What nghttp2 means by the code with which it ends a connection (RFC 9113 §7), as a reason of ours. Used by H2Server
// and H2Client.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>

#include "http/reason.h"

namespace viaduct::codec {

inline http::Reason reason_of_h2_error(std::uint32_t code) {
  switch (code) {
    case NGHTTP2_FLOW_CONTROL_ERROR: return http::Reason::kH2FlowControlError;
    case NGHTTP2_COMPRESSION_ERROR: return http::Reason::kH2CompressionError;
    // More values in one frame than nghttp2 takes.
    case NGHTTP2_ENHANCE_YOUR_CALM: return http::Reason::kH2SettingsFlood;
    default: return http::Reason::kH2ProtocolError;
  }
}

}  // namespace viaduct::codec

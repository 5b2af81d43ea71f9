// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

namespace viaduct::http {

std::string_view version_text(Version version) {
  switch (version) {
    case Version::kHttp10: return "HTTP/1.0";
    case Version::kHttp11: return "HTTP/1.1";
    case Version::kHttp2: return "HTTP/2.0";
  }
  return {};
}

}  // namespace viaduct::http

// SPDX-License-Identifier: Apache-2.0
// Request and response heads, the same for every HTTP version (RFC 9110 §6). All texts live in the arena of the
// exchange that the head belongs to. Connection, Transfer-Encoding and the like describe one connection: the codecs
// read and write them; what lies above works with BodySize instead.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/fields.h"
#include "http/method.h"

namespace viaduct::http {

enum class Version : std::uint8_t { kHttp10, kHttp11, kHttp2 };

// "HTTP/1.0", "HTTP/1.1" or "HTTP/2.0", as logs show it.
std::string_view version_text(Version version);

// How the length of a body is known (RFC 9112 §6.3).
enum class BodyKind : std::uint8_t {
  kNone,    // there is no body and none was announced
  kSized,   // Content-Length, also 0
  kStream,  // unknown until it ends: chunked, HTTP/2 without content-length, or until the connection closes
};

struct BodySize {
  BodyKind kind = BodyKind::kNone;
  std::uint64_t bytes = 0;  // kSized alone

  bool operator==(const BodySize&) const = default;
};

struct RequestHead {
  explicit RequestHead(base::Arena& arena) : fields(arena) {}

  Method method = Method::kOther;
  std::string_view method_text;
  // The target to forward, in origin form or "*", bytes as received (RFC 9112 §3.2). An absolute-form target has
  // already lost its scheme and authority here.
  std::string_view target;
  // Host, the authority of an absolute-form target, or :authority; with port, as received; empty where there is none.
  std::string_view authority;
  // The protocol of an extended CONNECT (RFC 8441) or of an HTTP/1.1 Upgrade that may pass; empty otherwise.
  std::string_view protocol;
  Version version = Version::kHttp11;
  BodySize body;
  // Expect: 100-continue was asked; the codec answers it when the handler first wants the body.
  bool expects_continue = false;
  Fields fields;
};

struct ResponseHead {
  explicit ResponseHead(base::Arena& arena) : fields(arena) {}

  int status = 0;
  std::string_view reason_phrase;  // as received; HTTP/1 alone; may be empty
  BodySize body;                   // kNone also for answers to HEAD, 204 and 304, whatever their fields say
  Fields fields;
};

}  // namespace viaduct::http

// SPDX-License-Identifier: Apache-2.0
#include "codec/expectation.h"

#include "base/bytes.h"
#include "http/syntax.h"

namespace viaduct::codec {

http::Reason read_expectation(http::RequestHead& head) {
  if (head.version == http::Version::kHttp10) return http::Reason::kNone;
  for (const http::Field& field : head.fields) {
    if (field.id != http::FieldName::kExpect) continue;
    for (http::ListReader list(field.value); !list.done(); list.next()) {
      if (!base::equals_ignoring_case(list.member(), "100-continue")) return http::Reason::kUnsupportedExpectation;
      head.expects_continue = head.body.kind == http::BodyKind::kStream || head.body.bytes > 0;
    }
  }
  return http::Reason::kNone;
}

}  // namespace viaduct::codec

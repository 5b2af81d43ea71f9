// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

#include <gtest/gtest.h>

namespace viaduct::http {
namespace {

TEST(Message, NamesVersionsAsLogsDo) {
  EXPECT_EQ(version_text(Version::kHttp10), "HTTP/1.0");
  EXPECT_EQ(version_text(Version::kHttp11), "HTTP/1.1");
  EXPECT_EQ(version_text(Version::kHttp2), "HTTP/2.0");
}

TEST(Message, ComparesBodySizesByKindAndLength) {
  EXPECT_EQ((BodySize{.kind = BodyKind::kSized, .bytes = 3}), (BodySize{.kind = BodyKind::kSized, .bytes = 3}));
  EXPECT_NE((BodySize{.kind = BodyKind::kSized, .bytes = 0}), BodySize{});
}

}  // namespace
}  // namespace viaduct::http

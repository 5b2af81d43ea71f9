// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_stream_ids.h"

#include <gtest/gtest.h>

namespace viaduct::codec {
namespace {

using Past = H2StreamIds::Past;

constexpr std::int32_t kFar = 2 * static_cast<std::int32_t>(H2StreamIds::kRemembered);

TEST(H2StreamIds, KnowsWhatWasBegunAndWhatWasSkipped) {
  H2StreamIds ids;
  EXPECT_EQ(ids.find(1), Past::kIdle);
  ids.begin(3);
  EXPECT_EQ(ids.find(1), Past::kSkipped);
  EXPECT_EQ(ids.find(3), Past::kBegun);
  EXPECT_EQ(ids.find(5), Past::kIdle);
  ids.begin(9);
  EXPECT_EQ(ids.find(3), Past::kBegun);
  EXPECT_EQ(ids.find(5), Past::kSkipped);
  EXPECT_EQ(ids.find(7), Past::kSkipped);
  EXPECT_EQ(ids.find(9), Past::kBegun);
  EXPECT_EQ(ids.find(0x7fffffff), Past::kIdle);
}

TEST(H2StreamIds, KnowsWhatWeHaveReset) {
  H2StreamIds ids;
  ids.begin(1);
  ids.begin(3);
  ids.reset(1);
  EXPECT_EQ(ids.find(1), Past::kReset);
  EXPECT_EQ(ids.find(3), Past::kBegun);
  ids.reset(7);
  EXPECT_EQ(ids.find(7), Past::kReset) << "refused before it was begun";
  EXPECT_EQ(ids.find(5), Past::kSkipped);
  ids.begin(9);
  EXPECT_EQ(ids.find(1), Past::kReset);
}

TEST(H2StreamIds, ForgetsWhatIsLongAgo) {
  H2StreamIds ids;
  for (std::int32_t id = 1; id < 3 * kFar; id += 2) {
    if (id % 6 == 1) continue;
    ids.begin(id);
    if (id % 10 == 1) ids.reset(id);
  }
  const std::int32_t newest = 3 * kFar - 1;
  for (std::int32_t id = 1; id <= newest; id += 2) {
    const Past past = ids.find(id);
    const bool is_remembered = newest - id < kFar;
    const Past expected = id % 6 == 1 ? Past::kSkipped : id % 10 == 1 ? Past::kReset : Past::kBegun;
    ASSERT_EQ(past, is_remembered ? expected : Past::kBegun) << id;
  }
}

TEST(H2StreamIds, StandsALeapBeyondItsMemory) {
  for (const std::int32_t leap : {kFar - 2, kFar, kFar + 2, 0x7fffffff - 1}) {
    H2StreamIds ids;
    ids.begin(1);
    ids.reset(1);
    const std::int32_t id = 1 + leap;
    ids.begin(id);
    EXPECT_EQ(ids.find(id), Past::kBegun) << leap;
    EXPECT_EQ(ids.find(id - 2), Past::kSkipped) << leap;
    EXPECT_EQ(ids.find(1), leap < kFar ? Past::kReset : Past::kBegun) << leap;
    ids.reset(1);
    EXPECT_EQ(ids.find(id), Past::kBegun) << "what is forgotten is no newer one";
  }
}

}  // namespace
}  // namespace viaduct::codec

// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_priority.h"

#include <gtest/gtest.h>

#include <vector>

namespace viaduct::codec {
namespace {

struct Row {
  std::string_view value;
  H2Priority priority;
};

TEST(H2Priority, ReadsUrgencyAndTurns) {
  const std::vector<Row> rows = {
      {"", {3, false}},
      {"u=0", {0, false}},
      {"u=7", {7, false}},
      {"i", {3, true}},
      {"i=?1", {3, true}},
      {"i=?0", {3, false}},
      {"u=1, i", {1, true}},
      {"i,u=1", {1, true}},
      {"  u=2 ,\ti  ", {2, true}},
      {"u=1;x=y, i;z", {1, true}},
      {"u=1,x=2,\"u=5\",y", {1, false}},
      // RFC 8941 §3.2: of a key that comes twice the last value counts.
      {"u=1, u=6", {6, false}},
      {"i, i=?0", {3, false}},
  };
  for (const Row& row : rows) EXPECT_EQ(read_priority(row.value), row.priority) << row.value;
}

TEST(H2Priority, TakesTheDefaultForWhatIsNone) {
  for (const std::string_view value : {"u", "u=", "u=8", "u=9", "u=-1", "u=10", "u= 1", "u=1.0", "u=a", "U=1", "I",
                                       "i=1", "i=true", "i=\"?1\"", "u=\"1\"", ",,;;==", "\"u=1", "u=1i", "\xff\xfe"}) {
    EXPECT_EQ(read_priority(value), H2Priority{}) << value;
  }
}

}  // namespace
}  // namespace viaduct::codec

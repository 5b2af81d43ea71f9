// SPDX-License-Identifier: Apache-2.0
#include "http/status.h"

#include <gtest/gtest.h>

#include "http/reason.h"

namespace viaduct::http {
namespace {

TEST(Status, HasItsReasonPhrase) {
  EXPECT_EQ(status_text(100), "Continue");
  EXPECT_EQ(status_text(200), "OK");
  EXPECT_EQ(status_text(304), "Not Modified");
  EXPECT_EQ(status_text(421), "Misdirected Request");
  EXPECT_EQ(status_text(511), "Network Authentication Required");
}

TEST(Status, HasNoPhraseWhereNoneIsRegistered) {
  for (const int status : {-1, 0, 99, 104, 299, 306, 418, 498, 512, 599, 600, 1000}) {
    EXPECT_EQ(status_text(status), "") << status;
  }
}

TEST(Status, NamesEveryStatusThatReasonsSend) {
  constexpr int kStatuses[] = {
#define VIADUCT_REASON_STATUS(enumerator, name, status, sentence) status,
      VIADUCT_REASONS(VIADUCT_REASON_STATUS)
#undef VIADUCT_REASON_STATUS
  };
  for (const int status : kStatuses) EXPECT_EQ(status_text(status).empty(), status == 0) << status;
}

TEST(Status, SaysWhetherABodyMayFollow) {
  for (const int status : {100, 101, 103, 199, 204, 304}) EXPECT_TRUE(forbids_body(status)) << status;
  for (const int status : {99, 200, 203, 205, 206, 303, 305, 404, 500}) EXPECT_FALSE(forbids_body(status)) << status;
  EXPECT_TRUE(is_informational(100));
  EXPECT_TRUE(is_informational(199));
  EXPECT_FALSE(is_informational(99));
  EXPECT_FALSE(is_informational(200));
}

}  // namespace
}  // namespace viaduct::http

// SPDX-License-Identifier: Apache-2.0
#include "http/reason.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>
#include <vector>

namespace viaduct::http {
namespace {

std::vector<Reason> all_reasons() {
  return {
#define VIADUCT_REASON_ITEM(enumerator, name, status, sentence) Reason::enumerator,
      VIADUCT_REASONS(VIADUCT_REASON_ITEM)
#undef VIADUCT_REASON_ITEM
  };
}

TEST(Reason, HasANameOfItsOwnAStatusAndASentence) {
  std::set<std::string> names;
  for (const Reason reason : all_reasons()) {
    const std::string name(reason_name(reason));
    EXPECT_TRUE(names.insert(name).second) << name;
    if (reason == Reason::kNone) continue;
    for (const char byte : name)
      EXPECT_TRUE(std::islower(static_cast<unsigned char>(byte)) || std::isdigit(static_cast<unsigned char>(byte)) ||
                  byte == '_')
          << name;
    EXPECT_GE(reason_status(reason), 400) << name;
    EXPECT_LT(reason_status(reason), 600) << name;
    EXPECT_TRUE(reason_sentence(reason).ends_with('.')) << name;
  }
}

TEST(Reason, SaysNothingWhereThereIsNone) {
  EXPECT_EQ(reason_name(Reason::kNone), "");
  EXPECT_EQ(reason_status(Reason::kNone), 0);
  EXPECT_EQ(reason_sentence(Reason::kNone), "");
}

TEST(Reason, GivesTheStatusOfTheTable) {
  EXPECT_EQ(reason_status(Reason::kTargetTooLong), 414);
  EXPECT_EQ(reason_name(Reason::kUpstreamConnectRefused), "upstream_connect_refused");
  EXPECT_EQ(reason_status(Reason::kUpstreamTotalTimeout), 504);
}

TEST(Reason, TellsOurFailuresFromWhatClientsBringAbout) {
  for (const Reason ours : {Reason::kInternalError, Reason::kUpstreamConnectRefused, Reason::kUpstreamTotalTimeout,
                            Reason::kConnectionLimit, Reason::kStaticReadFailed}) {
    EXPECT_TRUE(is_our_failure(ours)) << reason_name(ours);
  }
  for (const Reason not_ours :
       {Reason::kNone, Reason::kUnsupportedMethod, Reason::kUnsupportedVersion, Reason::kUnsupportedTransferEncoding,
        Reason::kNoRoute, Reason::kClientClosed, Reason::kWebsocketIdle, Reason::kServerDraining}) {
    EXPECT_FALSE(is_our_failure(not_ours)) << reason_name(not_ours);
  }
}

}  // namespace
}  // namespace viaduct::http

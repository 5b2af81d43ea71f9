// SPDX-License-Identifier: Apache-2.0
#include "cli/reason_help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/format.h"

namespace viaduct::cli {
namespace {

TEST(ReasonHelp, HasASentenceForEveryReason) {
  const std::string text = "\n" + reasons_text();
  std::size_t last = 0;
  const auto expect_help = [&](std::string_view name, int status) {
    if (name.empty()) return;
    EXPECT_NE(find_reason_help(name), nullptr) << name;
    const std::size_t at = text.find(base::format("\n{} ({})\n    ", name, status));
    ASSERT_TRUE(at != std::string::npos && at >= last) << name << " is missing, or in other order";
    last = at;
  };
#define VIADUCT_REASON_HELP(enumerator, name, status, sentence) expect_help(name, status);
  VIADUCT_REASONS(VIADUCT_REASON_HELP)
#undef VIADUCT_REASON_HELP
}

TEST(ReasonHelp, SaysEachOfThemOnce) {
  std::set<std::string_view> names;
  std::string_view rest;
  const std::string text = reasons_text();
  for (rest = text; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1)) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    if (line.starts_with("    ")) {
      EXPECT_GT(line.size(), 20U) << line;
      EXPECT_TRUE(line.ends_with('.') && !line.ends_with("..")) << line;
      EXPECT_NE(line.find(": "), std::string_view::npos) << line;
    } else {
      EXPECT_TRUE(names.insert(line).second) << line;
    }
  }
}

TEST(ReasonHelp, KnowsNoOtherWords) {
  EXPECT_EQ(find_reason_help(""), nullptr);
  EXPECT_EQ(find_reason_help("nonsense"), nullptr);
  ASSERT_NE(find_reason_help("no_route"), nullptr);
  EXPECT_EQ(find_reason_help("no_route")->reason, http::Reason::kNoRoute);
}

}  // namespace
}  // namespace viaduct::cli

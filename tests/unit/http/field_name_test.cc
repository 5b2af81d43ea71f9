// SPDX-License-Identifier: Apache-2.0
#include "http/field_name.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace viaduct::http {
namespace {

std::vector<FieldName> all_names() {
  return {
#define VIADUCT_FIELD_ITEM(enumerator, spelling) FieldName::enumerator,
      VIADUCT_FIELD_NAMES(VIADUCT_FIELD_ITEM)
#undef VIADUCT_FIELD_ITEM
  };
}

TEST(FieldName, FindsEveryNameInEveryCase) {
  for (const FieldName id : all_names()) {
    const std::string spelling(field_name_text(id));
    ASSERT_FALSE(spelling.empty());
    std::string lower = spelling;
    std::string upper = spelling;
    std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
    EXPECT_EQ(find_field_name(spelling), id) << spelling;
    EXPECT_EQ(find_field_name(lower), id) << lower;
    EXPECT_EQ(find_field_name(upper), id) << upper;
  }
}

TEST(FieldName, TakesNothingElseForAName) {
  for (const FieldName id : all_names()) {
    const std::string spelling(field_name_text(id));
    for (std::size_t i = 0; i < spelling.size(); ++i) {
      std::string changed = spelling;
      changed[i] = changed[i] == '_' ? '-' : '_';
      EXPECT_EQ(find_field_name(changed), FieldName::kOther) << changed;
      // Bit 5 is the case of a letter and something else in every other byte.
      changed = spelling;
      changed[i] = static_cast<char>(changed[i] ^ 0x80);
      EXPECT_EQ(find_field_name(changed), FieldName::kOther) << changed;
    }
    EXPECT_EQ(find_field_name(spelling + " "), FieldName::kOther);
    EXPECT_EQ(find_field_name(spelling + std::string(1, '\0')), FieldName::kOther);
    EXPECT_EQ(find_field_name(" " + spelling), FieldName::kOther);
  }
  EXPECT_EQ(find_field_name("User\x0d"
                            "Agent"),
            FieldName::kOther);  // '-' without bit 5
  EXPECT_EQ(find_field_name(""), FieldName::kOther);
  EXPECT_EQ(find_field_name("X-WeChat-OpenID"), FieldName::kOther);
  EXPECT_EQ(find_field_name(std::string(100000, 'a')), FieldName::kOther);
}

TEST(FieldName, KnowsNoTextForOthers) {
  EXPECT_EQ(field_name_text(FieldName::kOther), "");
}

}  // namespace
}  // namespace viaduct::http

// SPDX-License-Identifier: Apache-2.0
#include "config/password_file.h"

#include <gtest/gtest.h>

namespace viaduct::config {
namespace {

const std::string kHash = "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a";

std::string problem_of(const std::string& text) {
  const auto parsed = parse_password_file(text);
  return parsed ? "" : parsed.error();
}

TEST(PasswordFile, HoldsAUserALine) {
  const auto parsed = parse_password_file("# who may\n\nanna:" + kHash + "\r\nbo rt\xc3\xa9:" + kHash);
  ASSERT_TRUE(parsed.has_value());
  ASSERT_EQ(parsed->size(), 2U);
  EXPECT_EQ((*parsed)[0], (PasswordEntry{.user = "anna", .hash = {kHash}}));
  EXPECT_EQ((*parsed)[1].user, "bo rt\xc3\xa9");
}

TEST(PasswordFile, TellsTheLineThatIsWrongAndNeverTheHash) {
  EXPECT_EQ(problem_of("anna:" + kHash + "\nbert\n"), "line 2: no user before a colon; write user:hash");
  EXPECT_EQ(problem_of(":" + kHash), "line 1: no user before a colon; write user:hash");
  EXPECT_EQ(problem_of("anna:" + kHash + "\n#\nanna:" + kHash),
            "line 3: the user stands in a line before, too; delete one of them");
  EXPECT_EQ(problem_of("an\tna:" + kHash), "line 1: the user's name has control characters; write it anew");
  const std::string plain = problem_of("anna:hunter2");
  EXPECT_TRUE(plain.starts_with("line 1: this is no hash")) << plain;
  EXPECT_FALSE(plain.contains("hunter2"));
  EXPECT_TRUE(problem_of("anna:" + kHash + ":more").contains("damaged"));
}

TEST(PasswordFile, TakesNothingThatDoesNotShowForAPartOfAName) {
  for (const char* start : {" ", "\t", "  ", "\xc2\xa0", "\xe3\x80\x80"}) {
    for (const std::string& line : {"anna:" + kHash, std::string("# comment"), std::string()}) {
      EXPECT_EQ(problem_of("bert:" + kHash + "\n" + start + line + "\n"),
                "line 2: white space stands at its start; delete it, or the line")
          << start << line;
    }
  }
  for (const std::string& rest : {"anna:" + kHash, std::string("# comment\nanna:") + kHash}) {
    EXPECT_EQ(problem_of("\xef\xbb\xbf" + rest),
              "line 1: a byte order mark (BOM) stands at its start; save the file as UTF-8 without BOM");
  }
  EXPECT_EQ(problem_of("an na:" + kHash), "");
}

TEST(PasswordFile, IsNotEmpty) {
  for (const char* text : {"", "\n", "# nobody\n"}) EXPECT_TRUE(problem_of(text).contains("no user in it")) << text;
}

}  // namespace
}  // namespace viaduct::config

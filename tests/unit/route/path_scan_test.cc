// SPDX-License-Identifier: Apache-2.0
#include "route/path_scan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace viaduct::route {
namespace {

using T = PathTraits;

struct Row {
  std::string_view path;
  int bits;
};

void expect(const std::vector<Row>& rows) {
  for (const Row& row : rows) EXPECT_EQ(int{scan_path(row.path).bits}, row.bits) << row.path;
}

TEST(PathScan, SaysNothingOfCleanPaths) {
  expect({{"/", 0},
          {"/a", 0},
          {"/a/", 0},
          {"/api/v1/payment/notify", 0},
          {"/a.b/.c/..d/e../...", 0},
          {"/.well-known/x", 0},
          {"/a+b&c=d,e:f@g!h*i'(j)~k$l_m-n", 0},
          {"/\"<>^`{|}", 0}});
}

TEST(PathScan, TellsEscapesThatOnlyNeedDecoding) {
  expect({{"/%41", T::kEscapes},
          {"/a%20b", T::kEscapes},
          {"/%3f%23", T::kEscapes},
          {"/%E6%94%AF", T::kEscapes | T::kHighBytes},
          {"/\xE6\x94\xAF", T::kHighBytes},
          {"/a;b", T::kParameters},
          {"/a%3Bb", T::kEscapes | T::kParameters}});
}

TEST(PathScan, TellsEverythingThatCanBeReadInTwoWays) {
  expect({{"//", T::kAmbiguous},
          {"//a", T::kAmbiguous},
          {"/a//b", T::kAmbiguous},
          {"/a//", T::kAmbiguous},
          {"/.", T::kAmbiguous},
          {"/..", T::kAmbiguous},
          {"/./a", T::kAmbiguous},
          {"/a/../b", T::kAmbiguous},
          {"/a/..", T::kAmbiguous},
          {"/a\\b", T::kAmbiguous},
          {"/a%2Fb", T::kEscapes | T::kAmbiguous},
          {"/a%2fb", T::kEscapes | T::kAmbiguous},
          {"/a%2Eb", T::kEscapes | T::kAmbiguous},
          {"/a%5cb", T::kEscapes | T::kAmbiguous},
          {"/100%25", T::kEscapes | T::kAmbiguous},
          {"/.%2e/b", T::kEscapes | T::kAmbiguous},
          {"/a%00", T::kEscapes | T::kAmbiguous | T::kControls},
          {"/a%0d%0ab", T::kEscapes | T::kAmbiguous | T::kControls},
          {"/a%1F", T::kEscapes | T::kAmbiguous | T::kControls},
          {"/a%7f", T::kEscapes | T::kAmbiguous | T::kControls},
          {"/..;/a", T::kParameters}});
}

TEST(PathScan, RefusesWhatIsNoPath) {
  for (const std::string_view path : {"", "a", "*", "a/b", "/%", "/%4", "/%zz", "/a%", "/%4g", "/a b", "/a\tb", "/a\nb",
                                      "/a\x7f", "/a#b", "/a?b", "/%%41"}) {
    EXPECT_TRUE(scan_path(path).has(T::kInvalid)) << path;
  }
  EXPECT_TRUE(scan_path(std::string_view("/\0", 2)).has(T::kInvalid));
}

}  // namespace
}  // namespace viaduct::route

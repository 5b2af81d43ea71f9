// SPDX-License-Identifier: Apache-2.0
#include "route/path_readings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/arena.h"

namespace viaduct::route {
namespace {

using ::testing::UnorderedElementsAreArray;

// Collects the readings; stops after `limit` of them.
class Collector final : public ReadingVisitor {
 public:
  explicit Collector(std::size_t limit = SIZE_MAX) : limit_(limit) {}
  bool on_reading(std::string_view path, std::string_view beside) override {
    order_.emplace_back(path);
    if (!beside.empty()) order_.back() += " " + std::string(beside);
    return order_.size() < limit_;
  }
  const std::vector<std::string>& order() const { return order_; }
  std::set<std::string> all() const { return {order_.begin(), order_.end()}; }

 private:
  std::size_t limit_;
  std::vector<std::string> order_;
};

class PathReadingsTest : public ::testing::Test {
 protected:
  Collector read(std::string_view path) {
    Collector collector;
    EXPECT_EQ(PathReadings(path, arena_).visit(collector), PathReadings::Result::kComplete) << path;
    return collector;
  }

  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
};

struct Row {
  std::string_view path;
  std::vector<std::string> readings;
};

TEST_F(PathReadingsTest, ListsWhatServersMakeOfAPath) {
  const std::vector<Row> rows = {
      {"/a", {"/a"}},
      {"/%61%20", {"/a "}},
      {"/a%2Eb", {"/a.b"}},
      {"/a//b", {"/a//b", "/a/b"}},
      {"/a/../b", {"/a/../b", "/b"}},
      {"/a/%2e%2e/b", {"/a/../b", "/b"}},
      {"/a%2Fb", {"/a%2Fb", "/a/b"}},
      {"/a%2f..%2fb", {"/a%2f..%2fb", "/a/../b", "/b"}},
      {"/a\\b", {"/a\\b", "/a/b"}},
      {"/a%5Cb", {"/a\\b", "/a/b"}},
      // As WHATWG URLs, in which an escaped backslash is a character of its segment.
      {"/a%5Cb\\..", {"/a\\b\\..", "/a\\b/..", "/a/b/..", "/a/", "/"}},
      {"/100%25", {"/100%"}},
      {"/a%2541", {"/a%41", "/aA"}},
      {"/a%252Fb", {"/a%2Fb", "/a/b"}},
      {"/a%0Ab", {"/a\nb", "/ab"}},
      // Slashes are merged before dots are removed, or not at all.
      {"/a//../b", {"/a//../b", "/a/../b", "/a/b", "/b"}},
      // "a%2Fb" is one segment or two.
      {"/a%2Fb/../c", {"/a%2Fb/../c", "/a/b/../c", "/a/c", "/c"}},
      {"/..;/a", {"/..;/a"}},
  };
  for (const Row& row : rows) EXPECT_THAT(read(row.path).all(), UnorderedElementsAreArray(row.readings)) << row.path;
}

// What one server makes of the one stands beside what it makes of the other.
TEST_F(PathReadingsTest, ReadsTwoPathsInTheSameWayAtATime) {
  const auto read_both = [this](std::string_view path, std::string_view beside) {
    Collector collector;
    EXPECT_EQ(PathReadings(path, beside, arena_).visit(collector), PathReadings::Result::kComplete) << path;
    return collector.all();
  };
  EXPECT_THAT(read_both("/a", "/b"), UnorderedElementsAreArray({"/a /b"}));
  EXPECT_THAT(read_both("/../x", "/t/../x"), UnorderedElementsAreArray({"/../x /t/../x", "/x /x"}));
  EXPECT_THAT(read_both("/a", "/b//c"), UnorderedElementsAreArray({"/a /b//c", "/a /b/c"}));
  EXPECT_THAT(read_both("/a%2Fb", "/%2541"),
              UnorderedElementsAreArray({"/a%2Fb /%41", "/a%2Fb /A", "/a/b /%41", "/a/b /A"}));
}

TEST_F(PathReadingsTest, CutsAtAnEncodedNul) {
  EXPECT_THAT(read("/a%00/b").all(), UnorderedElementsAreArray({std::string("/a\0/b", 5), std::string("/a")}));
}

TEST_F(PathReadingsTest, BeginsWithTheLiteralAndEndsWithTheResolvedReading) {
  const std::vector<std::string> order = read("/x%2f..//a\\.%252e/b").order();
  EXPECT_EQ(order.front(), "/x%2f..//a\\.%2e/b");
  EXPECT_EQ(order.back(), "/b");
}

TEST_F(PathReadingsTest, StopsWhenTheVisitorHasSeenEnough) {
  Collector collector(1);
  EXPECT_EQ(PathReadings("/a//b", arena_).visit(collector), PathReadings::Result::kStopped);
  EXPECT_EQ(collector.order().size(), 1U);
}

TEST_F(PathReadingsTest, ReadsALongPathWithOneTrick) {
  const std::string path = "/a//" + std::string(8000, 'x');
  EXPECT_EQ(read(path).all().size(), 2U);
}

TEST_F(PathReadingsTest, GivesUpOnALongPathOfAllTricks) {
  std::string path;
  while (path.size() < 8000) path += "/a/../b%2Fc%5C%252e//%0a";
  Collector collector;
  EXPECT_EQ(PathReadings(path, arena_).visit(collector), PathReadings::Result::kTooMuch);
  // Shorter, it is read.
  EXPECT_EQ(PathReadings(path.substr(0, 24 * 8), arena_).visit(collector), PathReadings::Result::kComplete);
}

TEST_F(PathReadingsTest, ResolvesAsAStaticRootLooksUp) {
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {"/a/b", "/a/b"},      {"/a%2Fb", "/a/b"},
      {"/a//../b", "/b"},    {"/a/%2e%2e/b", "/b"},
      {"/100%25", "/100%"},  {"/a%252Fb", "/a%2Fb"},
      {"/a\\b", "/a\\b"},    {"/a%5C..%5Cb", "/a\\..\\b"},
      {"/a%2F..%2F..", "/"}, {"/%E6%94%AF", "/\xE6\x94\xAF"},
      {"/a%0Ab", "/a\nb"},
  };
  for (const auto& [path, expected] : rows) EXPECT_EQ(resolve_path(path, arena_), expected) << path;
}

TEST_F(PathReadingsTest, DecodesOnceForTheLiteralReading) {
  EXPECT_EQ(decode_path("/a%2F%2e%2e%252F", arena_), "/a%2F..%2F");
  const std::string_view plain = "/a/b";
  EXPECT_EQ(decode_path(plain, arena_).data(), plain.data());
}

}  // namespace
}  // namespace viaduct::route

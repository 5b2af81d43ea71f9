// SPDX-License-Identifier: Apache-2.0
#include "route/deny_tree.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/arena.h"
#include "route/path_readings.h"
#include "route/path_scan.h"

namespace viaduct::route {
namespace {

bool covers(const std::vector<std::string>& deny, std::string_view path) {
  return DenyTree(deny).covers(path);
}

bool covers_some_reading(const DenyTree& tree, std::string_view path) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  return tree.covers_some_reading(path, arena);
}

TEST(DenyTree, CoversThePathItselfAndWhatLiesBelowByWholeSegments) {
  for (const char* entry : {"/x/y", "/x/y/"}) {
    for (const char* path : {"/x/y", "/x/y/", "/x/y/z", "/x/y//", "/x/y/.."})
      EXPECT_TRUE(covers({entry}, path)) << path;
    for (const char* path : {"/", "/x", "/x/", "/x/yy", "/x/y.z", "/x/Y", "/xx/y", "/z/x/y", "//x/y", "/x//y"}) {
      EXPECT_FALSE(covers({entry}, path)) << path;
    }
  }
}

TEST(DenyTree, HoldsSeveralEntriesAndTheShorterOneWins) {
  const std::vector<std::string> deny = {"/api/v1/internal/", "/.git", "/.env", "/api/v1/internal/deep"};
  for (const char* path : {"/api/v1/internal", "/.git/config", "/.env", "/api/v1/internal/x"}) {
    EXPECT_TRUE(covers(deny, path)) << path;
  }
  for (const char* path : {"/api/v1", "/.gitignore", "/.env.local", "/internal"})
    EXPECT_FALSE(covers(deny, path)) << path;
}

TEST(DenyTree, DeniesNothingWhenEmptyAndEverythingAtTheRoot) {
  EXPECT_TRUE(DenyTree().empty());
  EXPECT_FALSE(DenyTree().covers("/"));
  EXPECT_FALSE(covers_some_reading(DenyTree(), "/a/../b"));
  const std::vector<std::string> root = {"/"};
  EXPECT_FALSE(DenyTree(root).empty());
  EXPECT_TRUE(covers(root, "/"));
  EXPECT_TRUE(covers(root, "/a"));
  EXPECT_TRUE(covers_some_reading(DenyTree(root), "/a/.."));
}

TEST(DenyTree, FindsADeniedPathUnderEverySpelling) {
  const std::vector<std::string> deny = {"/api/v1/internal/", "/.git"};
  const DenyTree tree(deny);
  const std::vector<std::string_view> paths = {
      "/api/v1/internal/x",
      "/api/v1/internal",
      "//api/v1/internal/x",
      "/api//v1///internal/x",
      "/api/v1/./internal/x",
      "/api/v1/x/../internal/x",
      "/api/v1/x/y/../../internal",
      "/x/../api/v1/internal",
      "/../../api/v1/internal",
      "/api/v1/%69nternal/x",
      "/api%2Fv1%2Finternal%2Fx",
      "/api/v1%2finternal/x",
      "/api%252fv1%25252Finternal/x",
      "/api/v1/%2e/internal",
      "/api/v1/x/%2e%2e/internal",
      "/api/v1/x/.%2E/internal",
      "/api/v1/x/%252e%252e/internal",
      "/api/v1/x%2F..%2Finternal",
      "/api/v1/x%2Fy/../internal",  // a server that keeps %2F has one segment to remove
      "/api/v1\\internal\\x",
      "/api/v1%5cinternal",
      "/api/v1/x\\..\\internal",
      "/api/v1/internal%00/y",
      "/api/v1/internal%00.html",
      "/api/v1/inter%0dnal/x",
      "/api/v1/internal%0a",
      "/api/v1/x/..%00/internal",
      "/api/v1/internal;a=b/x",
      "/api;x/v1;y/internal;z",
      "/api/v1/x/..;/internal",
      "/api/v1/x/..;a=b/internal",
      "/api/v1/x/%2e%2e%3b/internal",
      "/api/v1/internal/../public",  // kept literally, it lies below
      "/api/v1/internal/..",
      "/api/v1/x/../internal/%2e%2e/y",  // dots removed before decoding, and kept after it
      "/x/%2e%2e/api%2F..%2Fapi/v1/internal",
      "/%25%32%65git/config",
      "/.gi%7ft",
  };
  for (const std::string_view path : paths) EXPECT_TRUE(covers_some_reading(tree, path)) << path;
}

TEST(DenyTree, LeavesAloneWhatNoServerReadsAsDenied) {
  const std::vector<std::string> deny = {"/api/v1/internal/", "/.git"};
  const DenyTree tree(deny);
  const std::vector<std::string_view> paths = {
      "/",
      "//",
      "/api//v1//x",
      "/api/v1/x/internal",
      "/api/v1/x//internal/y",
      "/x/api/v1/internal/..",
      "/api/v1/internals/../x",
      "/static/..%2Fx",
      "/repo//.git/config",
      "/a/../b/.git",
      "/a/b/../.git",
      "/api/v1/x/%2e%2e/y/internal",
      "/api/v1/intern%61ls;x",
      "/x%2Finternal",
      "/100%25",
      "/api/v1/..%252f",
      "/x;/api/v1/internal",
  };
  for (const std::string_view path : paths) EXPECT_FALSE(covers_some_reading(tree, path)) << path;
}

// Joins random pieces that matter to a path.
std::string random_path(std::mt19937& random) {
  static const std::vector<std::string> kPieces = {"/",    "/",     "/",     "a",  "b",     "a",   "b",        ".",
                                                   "..",   "%2e",   "%2F",   "\\", "%5C",   "%25", "%252f",    "%00",
                                                   "%0a",  "%61",   "%62",   ";",  "%252e", "/..", "/a",       "/b",
                                                   "/../", "%2525", "2e%2e", "c/", "//",    "/./", "%25%32%66"};
  std::string path = "/";
  std::uniform_int_distribution<std::size_t> length(1, 12);
  std::uniform_int_distribution<std::size_t> piece(0, kPieces.size() - 1);
  for (std::size_t count = length(random); count > 0; --count) path += kPieces[piece(random)];
  return path;
}

// Fails when a reading is covered.
class NoneIsCovered final : public ReadingVisitor {
 public:
  explicit NoneIsCovered(const DenyTree& tree) : tree_(tree) {}
  bool on_reading(std::string_view path, std::string_view) override {
    if (!tree_.covers(path)) return true;
    reading_ = path;
    return false;
  }
  const std::string& reading() const { return reading_; }

 private:
  const DenyTree& tree_;
  std::string reading_;
};

TEST(DenyTree, KnowsEveryReadingThatCanBeEnumerated) {
  std::mt19937 random(20261121);
  const std::vector<std::string> deny = {"/a/b/", "/b", "/a/a/a"};
  const DenyTree tree(deny);
  base::ChunkPool chunks;
  int denied = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string path = random_path(random);
    base::Arena arena(chunks);
    if (scan_path(path).has(PathTraits::kInvalid)) continue;
    if (tree.covers_some_reading(path, arena)) {
      ++denied;
      continue;
    }
    NoneIsCovered visitor(tree);
    EXPECT_EQ(PathReadings(path, arena).visit(visitor), PathReadings::Result::kComplete)
        << path << " can be read as " << visitor.reading();
  }
  EXPECT_GT(denied, 1000);
  EXPECT_LT(denied, 19000);
}

TEST(DenyTree, TakesLinearTimeForLongPaths) {
  std::vector<std::string> deny;
  for (int i = 0; i < 100; ++i) deny.push_back("/a/../b/" + std::to_string(i));
  const DenyTree tree(deny);
  std::string path;
  while (path.size() < 8192) path += "/a/..%2fb%5C.%2e;";
  EXPECT_FALSE(covers_some_reading(tree, path));
}

}  // namespace
}  // namespace viaduct::route

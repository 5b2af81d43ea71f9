// SPDX-License-Identifier: Apache-2.0
#include "config/include.h"

#include <gtest/gtest.h>

#include "base/format.h"
#include "config/root_keys.h"
#include "support/temporary_directory.h"

namespace viaduct::config {
namespace {

class Include : public testing::Test {
 protected:
  // Reads `main` as main.yaml of the directory and returns the merged tree as text.
  std::string read(std::string_view main) {
    const std::string path = directory_.write("main.yaml", main);
    Reading reading(
        directory_.path(),
        [](const std::string& name) -> std::optional<std::string> {
          if (name == "PART") return "part";
          return std::nullopt;
        },
        infos_);
    const auto root = read_file_with_includes(path, reading, sources_);
    problems_.clear();
    for (const Problem& problem : reading.take_problems()) {
      std::string text = base::format("{}:{}:{}: {}: {}\n", problem.place.file, problem.place.line,
                                      problem.place.column, problem.key, problem.message);
      for (std::size_t at = text.find(directory_.path()); at != std::string::npos; at = text.find(directory_.path())) {
        text.replace(at, directory_.path().size() + 1, "");
      }
      problems_ += text;
    }
    return root ? to_flow_text(*root) : "absent";
  }

  support::TemporaryDirectory directory_;
  std::vector<KeyInfo> infos_ = root_keys().infos();
  Sources sources_;
  std::string problems_;  // of the last read, the directory left out
};

TEST_F(Include, AppendsListsAndMergesMaps) {
  directory_.write("conf.d/b.yaml", "sites: [b]\nupstreams: { b: 1 }\n");
  directory_.write("conf.d/a.yaml", "sites: [a]\nlisteners: [x]\nerrors: { 502: y }\n");
  directory_.write("conf.d/ignored.txt", "sites: [no]\n");
  EXPECT_EQ(
      read("include: [conf.d/*.yaml]\nsites: [main]\nupstreams: { m: 1 }\n"),
      "{include: [conf.d/*.yaml], sites: [main, a, b], upstreams: {m: 1, b: 1}, listeners: [x], errors: {502: y}}");
  EXPECT_EQ(problems_, "");
}

TEST_F(Include, TakesOnePatternAndVariables) {
  directory_.write("part.yaml", "tls: {}\n");
  EXPECT_EQ(read("include: ${PART}.yaml\n"), "{include: ${PART}.yaml, tls: {}}");
  EXPECT_EQ(problems_, "");
}

TEST_F(Include, IsRelativeToTheIncludingFile) {
  directory_.write("a/first.yaml", "include: [b/second.yaml]\nsites: [first]\n");
  directory_.write("a/b/second.yaml", "sites: [second]\n");
  EXPECT_EQ(read("include: [a/first.yaml]\n"), "{include: [a/first.yaml], sites: [first, second]}");
  EXPECT_EQ(problems_, "");
}

TEST_F(Include, KeepsTheFilesOfPlacesAndSources) {
  const std::string part = directory_.write("part.yaml", "client:\n  max_fields: 1\n");
  read("include: part.yaml\n");
  EXPECT_EQ(sources_.line(part, 2), "  max_fields: 1");
}

TEST_F(Include, TakesAnEmptyDirectoryButNoMissingFile) {
  read("include: [conf.d/*.yaml, missing.yaml]\n");
  EXPECT_EQ(problems_,
            "main.yaml:1:26: include: cannot read missing.yaml: No such file or directory; check the path\n");
}

TEST_F(Include, RefusesTheSameNameInTwoFiles) {
  directory_.write("part.yaml", "upstreams:\n  app: 2\nclient: { max_fields: 2 }\n");
  read("include: part.yaml\nupstreams: { app: 1 }\nclient: {}\n");
  EXPECT_EQ(
      problems_,
      "part.yaml:2:3: upstreams.app: \"app\" stands in main.yaml:2, too; give one of them another name, or delete it\n"
      "part.yaml:3:1: client: \"client\" stands in main.yaml:3, too; keep it in one of the files\n");
}

TEST_F(Include, RefusesLoopsAndSecondTimes) {
  directory_.write("a.yaml", "include: b.yaml\n");
  directory_.write("b.yaml", "include: [main.yaml, a.yaml]\n");
  read("include: [a.yaml, b.yaml]\n");
  EXPECT_EQ(problems_,
            "b.yaml:1:11: include: main.yaml includes itself in the end; delete one of the includes\n"
            "b.yaml:1:22: include: a.yaml includes itself in the end; delete one of the includes\n"
            "main.yaml:1:19: include: b.yaml is included twice; include it once\n");
}

TEST_F(Include, BoundsTheDepth) {
  for (std::size_t i = 0; i <= kIncludeDepthMax + 1; ++i) {
    directory_.write(base::format("{}.yaml", i), base::format("include: {}.yaml\n", i + 1));
  }
  directory_.write(base::format("{}.yaml", kIncludeDepthMax), "sites: [deepest]\n");
  EXPECT_TRUE(read("include: 1.yaml\n").contains("deepest"));
  EXPECT_EQ(problems_, "");
  directory_.write(base::format("{}.yaml", kIncludeDepthMax), base::format("include: {}.yaml\n", kIncludeDepthMax + 1));
  directory_.write(base::format("{}.yaml", kIncludeDepthMax + 1), "sites: [too deep]\n");
  EXPECT_FALSE(read("include: 1.yaml\n").contains("too deep"));
  EXPECT_TRUE(problems_.contains("more than 256 files, or includes more than 8 deep")) << problems_;
}

TEST_F(Include, GoesOnBehindABrokenFile) {
  directory_.write("a.yaml", "sites: [\n");
  directory_.write("b.yaml", "- list\n");
  directory_.write("c.yaml", "sites: [c]\n");
  EXPECT_EQ(read("include: '?.yaml'\n"), "{include: ?.yaml, sites: [c]}");
  EXPECT_TRUE(problems_.contains("a.yaml:1:8: yaml: this [ is never closed")) << problems_;
  EXPECT_TRUE(problems_.contains("b.yaml:1:1: yaml: this should be a map")) << problems_;
}

TEST_F(Include, IsAbsentWithoutItsFirstFile) {
  Reading reading(directory_.path(), process_environment, infos_);
  EXPECT_FALSE(read_file_with_includes(directory_ / "gone.yaml", reading, sources_).has_value());
  const auto problems = reading.take_problems();
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems.front().place.file, directory_ / "gone.yaml");
  EXPECT_EQ(problems.front().place.line, 0);
}

TEST_F(Include, WorksForATextInMemory) {
  const std::string part = directory_.write("part.yaml", "sites: [x]\n");
  Reading reading(directory_.path(), process_environment, infos_);
  const auto root = read_text_with_includes("include: " + part + "\n", "memory.yaml", reading, sources_);
  ASSERT_TRUE(root.has_value());
  EXPECT_NE(root->find("sites"), nullptr);
}

}  // namespace
}  // namespace viaduct::config

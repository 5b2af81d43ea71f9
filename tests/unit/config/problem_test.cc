// SPDX-License-Identifier: Apache-2.0
#include "config/problem.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace viaduct::config {
namespace {

Problem problem_at(const std::string& file, int line, int column, Severity severity = Severity::kError) {
  return {.place = {.file = file, .line = line, .column = column},
          .key = "k",
          .message = "wrong; mend it",
          .severity = severity};
}

Sources one_file(const std::string& text) {
  Sources sources;
  sources.add("a.yaml", text);
  return sources;
}

TEST(Sources, GivesLinesWithoutTheirEnds) {
  const Sources sources = one_file("first\r\n\nthird");
  EXPECT_EQ(sources.line("a.yaml", 1), "first");
  EXPECT_EQ(sources.line("a.yaml", 2), "");
  EXPECT_EQ(sources.line("a.yaml", 3), "third");
  EXPECT_EQ(sources.line("a.yaml", 4), "");
  EXPECT_EQ(sources.line("a.yaml", 0), "");
  EXPECT_EQ(sources.line("b.yaml", 1), "");
}

TEST(Sources, LeavesTheByteOrderMarkOut) {
  EXPECT_EQ(one_file("\xef\xbb\xbfkey: 1\n").line("a.yaml", 1), "key: 1");
}

TEST(RenderProblem, PutsACaretUnderTheColumn) {
  const Sources sources = one_file("listeners:\n  - { adress: x }\n");
  EXPECT_EQ(render_problem(problem_at("a.yaml", 2, 7), sources),
            "a.yaml:2:7: k: wrong; mend it\n"
            "  - { adress: x }\n"
            "      ^\n");
}

TEST(RenderProblem, SaysThatAWarningIsOne) {
  EXPECT_EQ(render_problem(problem_at("a.yaml", 1, 1, Severity::kWarning), one_file("x\n")),
            "a.yaml:1:1: warning: k: wrong; mend it\nx\n^\n");
}

TEST(RenderProblem, MeetsTheCellsOfATerminal) {
  const Sources sources = one_file("\t支付：x\n");
  EXPECT_EQ(render_problem(problem_at("a.yaml", 1, 5), sources),
            "a.yaml:1:5: k: wrong; mend it\n\t支付：x\n\t      ^\n");
}

TEST(RenderProblem, SpellsOutWhatNoTerminalShouldGet) {
  const Sources sources = one_file("\tname: \"\xd6\xd0\x1b[2J\" # é\xc2\x9b\n");
  Problem problem = problem_at("a\xff.yaml", 1, 1);
  problem.message = "not a \"\x07\"; mend it";
  EXPECT_EQ(render_problem(problem, sources), "a\\xff.yaml:1:1: k: not a \"\\x07\"; mend it\n");
  const std::string shown = "\tname: \"\\xd6\\xd0\\x1b[2J\" # é\\xc2\\x9b\n";
  EXPECT_EQ(render_problem(problem_at("a.yaml", 1, 9), sources),
            "a.yaml:1:9: k: wrong; mend it\n" + shown + "\t       ^\n");
  EXPECT_EQ(render_problem(problem_at("a.yaml", 1, 12), sources),
            "a.yaml:1:12: k: wrong; mend it\n" + shown + "\t                   ^\n");
}

TEST(RenderProblem, ShowsAPartOfALongLine) {
  const Sources sources = one_file(std::string(300, 'a') + "B" + std::string(300, 'c') + "\n");
  const std::string text = render_problem(problem_at("a.yaml", 1, 301), sources);
  EXPECT_EQ(text, "a.yaml:1:301: k: wrong; mend it\n" + std::string(99, 'a') + "B" + std::string(60, 'c') + "\n" +
                      std::string(99, ' ') + "^\n");
}

TEST(RenderProblem, DoesWithoutASourceLine) {
  EXPECT_EQ(render_problem(problem_at("other.yaml", 3, 1), one_file("x\n")), "other.yaml:3:1: k: wrong; mend it\n");
  Problem whole_file = problem_at("gone.yaml", 0, 0);
  whole_file.key.clear();
  EXPECT_EQ(render_problem(whole_file, Sources()), "gone.yaml: wrong; mend it\n");
}

TEST(RenderProblems, StopsAtABound) {
  const std::vector<Problem> problems(kRenderedProblems + 3, problem_at("x", 0, 0));
  const std::string text = render_problems(problems, Sources());
  EXPECT_EQ(std::ranges::count(text, '\n'), static_cast<std::ptrdiff_t>(kRenderedProblems) + 1);
  EXPECT_TRUE(text.ends_with("and 3 more\n"));
}

TEST(SortProblems, GoesByFilesAsTheyWereReadThenByPlace) {
  Sources sources = one_file("x\n");
  sources.add("0.yaml", "y\n");
  std::vector<Problem> problems = {problem_at("0.yaml", 1, 1), problem_at("a.yaml", 9, 1), problem_at("a.yaml", 2, 5),
                                   problem_at("a.yaml", 2, 3), problem_at("unknown", 1, 1)};
  sort_problems(problems, sources);
  std::string order;
  for (const Problem& problem : problems) {
    order += problem.place.file + ":" + std::to_string(problem.place.line) + ":" +
             std::to_string(problem.place.column) + " ";
  }
  EXPECT_EQ(order, "a.yaml:2:3 a.yaml:2:5 a.yaml:9:1 0.yaml:1:1 unknown:1:1 ");
}

TEST(CountProblems, SpeaksOfOneAndOfMany) {
  const Problem warning = problem_at("a", 1, 1, Severity::kWarning);
  const Problem error = problem_at("a", 1, 1);
  EXPECT_EQ(count_problems({}), "0 errors, 0 warnings");
  EXPECT_EQ(count_problems({error, warning}), "1 error, 1 warning");
  EXPECT_EQ(count_problems({error, warning, error, warning}), "2 errors, 2 warnings");
}

TEST(HasErrors, CountsNoWarnings) {
  EXPECT_FALSE(has_errors({}));
  EXPECT_FALSE(has_errors({problem_at("a", 1, 1, Severity::kWarning)}));
  EXPECT_TRUE(has_errors({problem_at("a", 1, 1, Severity::kWarning), problem_at("a", 1, 1)}));
}

TEST(ProblemsToJson, HasEveryPart) {
  const nlohmann::json list =
      problems_to_json({problem_at("a.yaml", 2, 7), problem_at("a.yaml", 3, 1, Severity::kWarning)});
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0], nlohmann::json({{"file", "a.yaml"},
                                     {"line", 2},
                                     {"column", 7},
                                     {"key", "k"},
                                     {"message", "wrong; mend it"},
                                     {"severity", "error"}}));
  EXPECT_EQ(list[1]["severity"], "warning");
  EXPECT_EQ(problems_to_json({}).dump(), "[]");
}

}  // namespace
}  // namespace viaduct::config

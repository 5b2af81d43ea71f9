// SPDX-License-Identifier: Apache-2.0
// What man(1) and shells make of these is in tests/e2e/test_manual.py.
#include "cli/manual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace viaduct::cli {
namespace {

using testing::HasSubstr;

class ManualTest : public testing::Test {
 protected:
  ManualTest() {
    CLI::App* paint = app_.add_subcommand("paint", "Paint it -- it's [all] there: here");
    paint->add_option("-c,--colour", colour_, ".dotted \\ sentence")->capture_default_str();
    paint->add_option("--shade", shade_, "How much of it")->check(CLI::IsMember({"dark", "light"}));
    paint->add_flag("--twice", is_twice_, "Do it again");
    paint->add_option("wall", wall_, "Which wall")->required();
    app_.add_subcommand("dry", "Wait");
  }

  CLI::App app_;
  std::string colour_ = "/etc/red";
  std::string shade_;
  std::string wall_;
  bool is_twice_ = false;
};

TEST_F(ManualTest, TellsEveryCommandAndOption) {
  const std::string manual = program_manual(app_);
  EXPECT_THAT(manual, HasSubstr(".B viaduct paint\n[\\fB\\-h\\fR]\n[\\fB\\-c\\fR \\fITEXT\\fR]\n"
                                "[\\fB\\-\\-shade\\fR \\fIdark|light\\fR]\n[\\fB\\-\\-twice\\fR]\n.I wall\n"));
  EXPECT_THAT(manual, HasSubstr(".SS paint\nPaint it \\-\\- it's [all] there: here.\n"));
  EXPECT_THAT(manual, HasSubstr(".TP\n\\fB\\-c\\fR, \\fB\\-\\-colour\\fR \\fITEXT\\fR\n\\&.dotted \\e sentence.\n"
                                "Default: /etc/red.\n"));
  EXPECT_THAT(manual, HasSubstr(".TP\n\\fIwall\\fR\nWhich wall.\n"));
  EXPECT_THAT(manual, HasSubstr(".SS dry\nWait.\n"));
}

TEST_F(ManualTest, CompletesCommandsOptionsAndWords) {
  const std::string bash = bash_completion(app_);
  EXPECT_THAT(bash, HasSubstr("compgen -W \"-h --help paint dry\""));
  EXPECT_THAT(bash, HasSubstr("    paint) words=\"-h --help -c --colour --shade --twice\" ;;\n"));
  EXPECT_THAT(bash, HasSubstr("    --shade) COMPREPLY=($(compgen -W \"dark light\""));
  const std::string zsh = zsh_completion(app_);
  EXPECT_THAT(zsh, HasSubstr("    'paint:Paint it -- it'\\''s \\[all\\] there\\: here'\n"));
  EXPECT_THAT(zsh, HasSubstr("'--shade[How much of it]:--shade:(dark light)'"));
  EXPECT_THAT(zsh, HasSubstr("'--twice[Do it again]'"));
}

}  // namespace
}  // namespace viaduct::cli

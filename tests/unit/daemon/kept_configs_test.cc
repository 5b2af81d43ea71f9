// SPDX-License-Identifier: Apache-2.0
#include "daemon/kept_configs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/manual_clock.h"
#include "support/temporary_directory.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class KeptConfigsTest : public testing::Test {
 protected:
  void SetUp() override { kept_.use(directory_ / "state"); }

  // A config with one file that holds `text`, and perhaps more.
  static config::Sources sources(std::string_view text, const config::Texts& more = {}) {
    config::Sources sources;
    sources.add("/etc/viaduct/viaduct.yaml", std::string(text));
    for (const auto& [file, content] : more) sources.add(file, content);
    return sources;
  }
  void keep(std::string_view text) {
    clock_.advance(1s);
    const auto done = kept_.keep(sources(text), ++snapshot_, clock_.wall_now());
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }
  static std::string text_of(const std::optional<KeptConfig>& kept) {
    if (!kept) return "absent";
    const auto texts = KeptConfigs::read(*kept);
    return texts ? texts->at("/etc/viaduct/viaduct.yaml") : texts.error().message;
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> found;
    for (const KeptConfig& one : kept_.all()) found.push_back(text_of(one));
    return found;
  }
  static mode_t mode_of(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
  }

  support::TemporaryDirectory directory_;
  support::ManualClock clock_;
  std::uint64_t snapshot_ = 0;
  KeptConfigs kept_;
};

using Texts = std::vector<std::string>;

TEST_F(KeptConfigsTest, KeepsEachTextOnceAndForItsOwnerAlone) {
  keep("one");
  keep("one");
  keep("two");
  EXPECT_EQ(texts(), (Texts{"one", "two"}));
  const KeptConfig first = kept_.all()[0];
  EXPECT_EQ(first.folder, directory_ / "state/configs/0001-2026-01-02T03-04-06Z");
  EXPECT_EQ(first.kept_at, "2026-01-02T03:04:06Z");
  EXPECT_EQ(first.snapshot, 1U);
  EXPECT_EQ(kept_.in_use(), 2U);
  EXPECT_EQ(mode_of(directory_ / "state"), 0700U);
  EXPECT_EQ(mode_of(first.folder), 0700U);
  EXPECT_EQ(mode_of(first.folder + "/files/viaduct.yaml"), 0600U);
  EXPECT_EQ(mode_of(first.folder + "/index.json"), 0600U);
}

TEST_F(KeptConfigsTest, KeepsIncludesUnderTheirNames) {
  const config::Texts more = {{"/etc/viaduct/conf.d/a.yaml", "a"}, {"/srv/b.yaml", "b"}};
  ASSERT_TRUE(kept_.keep(sources("main", more), 1, clock_.wall_now()).has_value());
  const KeptConfig kept = kept_.all().at(0);
  EXPECT_EQ(support::file_bytes(kept.folder + "/files/viaduct.yaml"), "main");
  EXPECT_EQ(support::file_bytes(kept.folder + "/files/conf.d/a.yaml"), "a");
  EXPECT_EQ(support::file_bytes(kept.folder + "/outside/srv/b.yaml"), "b");
  config::Texts whole = more;
  whole.emplace("/etc/viaduct/viaduct.yaml", "main");
  const auto read_back = KeptConfigs::read(kept);
  ASSERT_TRUE(read_back.has_value()) << read_back.error().message;
  EXPECT_EQ(*read_back, whole);
  EXPECT_EQ(put_back_line(kept, {}), "cp -r --no-preserve=mode " + kept.folder +
                                         "/files/. /etc/viaduct/ && cp -r --no-preserve=mode " + kept.folder +
                                         "/outside/. /");
}

TEST_F(KeptConfigsTest, WritesALineThatAShellUnderstands) {
  const KeptConfig kept{.folder = "/var/lib/a b", .files = {"/etc/it's/viaduct.yaml"}};
  EXPECT_EQ(put_back_line(kept, {}), R"(cp '/var/lib/a b/files/viaduct.yaml' '/etc/it'\''s/viaduct.yaml')");
  EXPECT_EQ(put_back_line(kept, {"/etc/a.yaml", "/etc/b c.yaml"}),
            R"(rm /etc/a.yaml '/etc/b c.yaml' && )"
            R"(cp '/var/lib/a b/files/viaduct.yaml' '/etc/it'\''s/viaduct.yaml')");
  const KeptConfig outside{.folder = "/k", .files = {"/etc/viaduct.yaml", "/srv/b.yaml"}};
  EXPECT_EQ(put_back_line(outside, {}),
            "cp /k/files/viaduct.yaml /etc/viaduct.yaml && cp -r --no-preserve=mode /k/outside/. /");
}

TEST_F(KeptConfigsTest, LetsTheOldestGo) {
  for (int i = 1; i <= 25; ++i) keep(std::to_string(i));
  EXPECT_EQ(kept_.all().size(), KeptConfigs::kConfigsMax);
  EXPECT_EQ(texts().front(), "6");
  EXPECT_EQ(text_of(kept_.before(19)), "6");
  EXPECT_FALSE(kept_.before(20));
}

TEST_F(KeptConfigsTest, GoesBackToWhatWasServedBefore) {
  keep("one");
  keep("two");
  keep("bad");
  EXPECT_EQ(text_of(kept_.before(1)), "two");
  EXPECT_EQ(text_of(kept_.before(2)), "one");
  kept_.go_back_to(kept_.before(1)->number);
  EXPECT_EQ(text_of(kept_.before(1)), "one");
  keep("better");
  EXPECT_EQ(text_of(kept_.before(1)), "two") << "the bad one was left behind";
  EXPECT_EQ(texts(), (Texts{"one", "two", "bad", "better"}));
  EXPECT_THAT(kept_.render(), HasSubstr("left behind"));
  EXPECT_THAT(kept_.render(), HasSubstr("in use"));
}

TEST_F(KeptConfigsTest, TakesAConfigThatComesBackForTheSame) {
  keep("one");
  keep("bad");
  kept_.go_back_to(1);
  keep("one");  // put back
  EXPECT_EQ(kept_.in_use(), 1U);
  keep("bad");  // after all
  EXPECT_EQ(kept_.in_use(), 2U);
  EXPECT_EQ(texts(), (Texts{"one", "bad"}));
  EXPECT_EQ(text_of(kept_.before(1)), "one");
}

TEST_F(KeptConfigsTest, KnowsAllAfterARestart) {
  keep("one");
  keep("two");
  keep("bad");
  kept_.go_back_to(2);
  KeptConfigs later;
  later.use(directory_ / "state");
  EXPECT_EQ(text_of(later.before(1)), "two") << "none is in use yet";
  ASSERT_TRUE(later.keep(sources("two"), 1, clock_.wall_now()).has_value());
  EXPECT_EQ(later.in_use(), 2U);
  EXPECT_EQ(text_of(later.before(1)), "one");
  EXPECT_EQ(later.all().size(), 3U);
}

TEST_F(KeptConfigsTest, LeavesOutWhatIsDamaged) {
  keep("one");
  keep("two");
  const std::string folder = kept_.all()[1].folder;
  for (const std::string_view broken : {"", "[]", "{", R"({"files": []})", R"({"files": ["../../etc/passwd"]})",
                                        R"({"files": ["/etc/viaduct/../../../x"]})", R"({"files": [1]})"}) {
    ASSERT_EQ(::unlink((folder + "/index.json").c_str()), 0);
    directory_.write(folder.substr(directory_.path().size() + 1) + "/index.json", broken);
    EXPECT_EQ(texts(), Texts{"one"}) << broken;
  }
  std::filesystem::create_directory(directory_ / "state/configs/other");
  EXPECT_EQ(texts(), Texts{"one"});
}

TEST_F(KeptConfigsTest, SaysWhyItCannotKeep) {
  keep("one");
  directory_.write("file", "");
  kept_.use(directory_ / "file/state");
  const auto done = kept_.keep(sources("two"), 2, clock_.wall_now());
  ASSERT_FALSE(done.has_value());
  EXPECT_THAT(done.error().message, HasSubstr("file/state"));
  EXPECT_EQ(kept_.in_use(), 0U);
  EXPECT_TRUE(kept_.all().empty());
  kept_.use("");
  EXPECT_FALSE(kept_.is_on());
  EXPECT_FALSE(kept_.before(1));
}

}  // namespace
}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
#include "daemon/live_config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/format.h"
#include "base/log.h"
#include "support/cert_sites.h"
#include "support/config_load.h"
#include "support/temporary_directory.h"
#include "support/tls_ends.h"

namespace viaduct::daemon {
namespace {

using Lines = std::vector<std::string>;

struct Follower final : ConfigFollower {
  void on_snapshot(exchange::Snapshot& snapshot) override { versions.push_back(snapshot.version); }
  void on_refusal(const std::string& why) override { refusals.push_back(why); }
  void on_config(const config::Config& config) override { bodies.push_back(config.sites[0].routes[0].name); }
  std::vector<std::string> bodies;
  std::vector<std::string> refusals;
  std::vector<std::uint64_t> versions;
};

// The config of a process that has no workers yet.
class LiveConfigTest : public testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(base::log_open({}).has_value()); }

  static std::string text(std::string_view route, std::string_view access = "access.log") {
    return "listeners: [{ address: '127.0.0.1:0' }]\nprocess: { workers: 1 }\nlogs: { access: { file: " +
           std::string(access) + " }, error: { file: error.log } }\nsites: [{ hosts: [www.example.com], routes: " +
           "[{ name: " + std::string(route) + ", match: { prefix: / }, respond: { body: x } }] }]\n";
  }
  void start(bool has_file = true) { start_with(text("first"), has_file); }
  void start_with(const std::string& text, bool has_file = true) {
    const std::string file = directory_.write("viaduct.yaml", text);
    auto config = support::config_of(text, directory_.path());
    BuildResult built = build_snapshot(*config, 1, ticket_keys_, clock_.wall_now());
    live_ = std::make_unique<LiveConfig>(LiveConfig::Setup{.clock = clock_,
                                                           .ticket_keys = ticket_keys_,
                                                           .config_file = has_file ? file : "",
                                                           .config = std::move(*config),
                                                           .built = std::move(built)},
                                         workers_, follower_);
    ASSERT_TRUE(live_->open_logs().has_value());
    std::vector<InheritedListener> none;
    const auto listeners = live_->open_listeners(none);
    ASSERT_TRUE(listeners.has_value());
    EXPECT_EQ(listeners->size(), 1u);
  }

  support::TemporaryDirectory directory_;
  base::SystemClock clock_;
  tls::TicketKeys ticket_keys_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Follower follower_;
  std::unique_ptr<LiveConfig> live_;
};

TEST_F(LiveConfigTest, TakesAFileThatIsRight) {
  start();
  directory_.write("viaduct.yaml", text("second"));
  const auto lines = live_->reload();
  ASSERT_TRUE(lines.has_value()) << lines.error().message;
  EXPECT_EQ(*lines, (Lines{"route added: www.example.com/second", "route removed: www.example.com/first"}));
  EXPECT_EQ(follower_.bodies, Lines{"second"});
  EXPECT_EQ(live_->snapshot()->version, 2u);
  EXPECT_EQ(follower_.versions, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(live_->config().sites[0].routes[0].name, "second");
}

TEST_F(LiveConfigTest, KeepsEverythingWhereAPartCannotBeHad) {
  start();
  const std::vector<BoundListener> rows = live_->listeners().rows();
  for (const std::string& broken :
       {std::string("listeners: ["), text("second", "none/access.log"), text("second") + "nonsense: 1\n"}) {
    directory_.write("viaduct.yaml", broken);
    EXPECT_FALSE(live_->reload().has_value()) << broken;
    EXPECT_EQ(live_->config().sites[0].routes[0].name, "first");
    EXPECT_EQ(live_->snapshot()->version, 1u);
    EXPECT_EQ(live_->listeners().rows()[0].local, rows[0].local);
  }
  EXPECT_TRUE(follower_.bodies.empty());
  EXPECT_EQ(follower_.refusals.size(), 3u);
}

TEST_F(LiveConfigTest, SaysEverythingThatIsWrong) {
  start();
  std::string broken = text("second");
  broken.replace(broken.find("prefix: /"), 9, "regex: '('");
  const std::string file = directory_.write("viaduct.yaml", broken + "nonsense: 1\n");
  const auto lines = live_->reload();
  ASSERT_FALSE(lines.has_value());
  const std::string& why = lines.error().message;
  EXPECT_TRUE(why.starts_with("the config is not usable (2 errors, 0 warnings)\n" + file + ":4:")) << why;
  EXPECT_NE(why.find(": sites[0].routes[0].match.regex: `(` is no regular expression"), std::string::npos) << why;
  EXPECT_NE(why.find("\n" + file + ":5:1: nonsense: unknown key"), std::string::npos) << why;
  EXPECT_TRUE(why.ends_with("\nnonsense: 1\n^")) << why;
  ASSERT_EQ(follower_.refusals.size(), 1u);
  EXPECT_TRUE(follower_.refusals[0].starts_with(file + ":4:")) << follower_.refusals[0];
  EXPECT_TRUE(follower_.refusals[0].ends_with(" (and 1 more)")) << follower_.refusals[0];
  EXPECT_EQ(follower_.refusals[0].find('\n'), std::string::npos);
  std::ifstream log(directory_ / "error.log");
  const std::string logged((std::istreambuf_iterator<char>(log)), std::istreambuf_iterator<char>());
  EXPECT_NE(logged.find("reload_refused error=\"" + file + ":4:"), std::string::npos) << logged;
  EXPECT_NE(logged.find("reload_refused error=\"" + file + ":5:1: nonsense: "), std::string::npos) << logged;
}

TEST_F(LiveConfigTest, ReplacesItsAccessLog) {
  start();
  const base::LogSink* before = live_->access_sink();
  directory_.write("viaduct.yaml", text("first", "other.log"));
  const auto lines = live_->reload();
  ASSERT_TRUE(lines.has_value()) << lines.error().message;
  EXPECT_EQ(*lines, Lines{"logs.access changed"});
  EXPECT_NE(live_->access_sink(), before);
  live_->sweep();
  live_->access_sink()->write("x\n");
  EXPECT_EQ(support::file_bytes(directory_ / "other.log"), "x\n");
}

TEST_F(LiveConfigTest, RefusesWithoutAFile) {
  start(false);
  const auto lines = live_->reload();
  ASSERT_FALSE(lines.has_value());
  EXPECT_EQ(lines.error().message, "this instance was not started from a config file");
}

// ---- renewal of certificates ----------------------------------------------------------------------------------------

// Two sites, each with a certificate of its own.
class LiveCertificatesTest : public LiveConfigTest {
 protected:
  LiveCertificatesTest() {
    files_.write("a", support::make_pair_for({"a.test"}));
    files_.write("b", support::make_pair_for({"b.test"}));
    root_ = files_.directory().write("www/index.html", "x");
    root_.resize(root_.size() - std::string_view("/index.html").size());
    const std::string pairs = files_.directory().path();
    text_ =
        "listeners: [{ address: '127.0.0.1:0', tls: true }]\nprocess: { workers: 1 }\nlogs: { access: { file: '-' "
        "}, error: { file: error.log } }\nsites:\n";
    for (const std::string_view name : {"a", "b"}) {
      text_ += base::format(
          "- {{ hosts: [{0}.test], tls: {{ cert: {1}/{0}.pem, key: {1}/{0}.key }}, routes: [{{ name: {0}, match: {{ "
          "prefix: / }}, static: {{ root: {2} }} }}] }}\n",
          name, pairs, root_);
    }
    start_with(text_);
  }

  std::string names() const {
    std::string text;
    for (const tls::CertFacts& facts : live_->snapshot()->certificates->certificates()) {
      for (const std::string& name : facts.names) text += name + " ";
    }
    return text;
  }
  std::size_t logged(std::string_view word) const {
    base::log_flush();
    const std::string log = support::file_bytes(directory_ / "error.log");
    std::size_t count = 0;
    for (std::size_t at = log.find(word); at != std::string::npos; at = log.find(word, at + 1)) ++count;
    return count;
  }

  support::CertSites files_;
  std::string root_;
  std::string text_;
};

TEST_F(LiveCertificatesTest, AreRenewedThoughTheRestOfTheConfigCouldNotBeHadNow) {
  std::filesystem::remove_all(root_);
  files_.write("b", support::make_pair_for({"b.test", "new.test"}));
  live_->renew_certificates();
  EXPECT_EQ(names(), "a.test b.test new.test ");
  EXPECT_EQ(live_->snapshot()->version, 2u);
  EXPECT_EQ(logged("certificates_renewed snapshot=2"), 1u);
  EXPECT_TRUE(follower_.refusals.empty());
}

TEST_F(LiveCertificatesTest, AreTriedAgainUntilTheyCanBeUsedAndToldOnce) {
  const std::string cert = files_.directory() / "a.pem";
  std::filesystem::remove(cert);
  for (int polls = 0; polls < 3; ++polls) live_->renew_certificates();
  EXPECT_EQ(live_->snapshot()->version, 1u);
  EXPECT_EQ(logged("certificate_refused"), 1u);
  ASSERT_EQ(follower_.refusals.size(), 1u);
  EXPECT_TRUE(follower_.refusals[0].starts_with("renewal of certificates: cannot open " + cert))
      << follower_.refusals[0];
  // The other site goes on being renewed.
  files_.write("b", support::make_pair_for({"b.test", "new.test"}));
  live_->renew_certificates();
  EXPECT_EQ(names(), "a.test b.test new.test ");
  EXPECT_EQ(logged("certificate_refused"), 1u);
  EXPECT_EQ(follower_.refusals.size(), 2u) << "what is published forgets the refusals before it";
  // And is told of as well where it breaks.
  std::filesystem::remove(files_.directory() / "b.key");
  live_->renew_certificates();
  EXPECT_EQ(logged("certificate_refused"), 2u);
  ASSERT_EQ(follower_.refusals.size(), 3u);
  EXPECT_NE(follower_.refusals[2].find("b.key"), std::string::npos) << follower_.refusals[2];
  files_.write("a", support::make_pair_for({"a.test", "third.test"}));
  files_.write("b", support::make_pair_for({"b.test"}));
  live_->renew_certificates();
  EXPECT_EQ(names(), "a.test third.test b.test ");
  EXPECT_EQ(live_->snapshot()->version, 3u);
  EXPECT_EQ(follower_.refusals.size(), 3u);
}

TEST_F(LiveCertificatesTest, SayWhatIsWrongWithThoseThatAreTaken) {
  files_.write("a", support::make_pair_valid({"a.test"}, std::chrono::hours(-48), std::chrono::hours(-24)));
  live_->renew_certificates();
  EXPECT_EQ(live_->snapshot()->version, 2u);
  EXPECT_EQ(logged("warning certificate_warning key=sites[0].tls.cert warning="), 1u);
  EXPECT_TRUE(follower_.refusals.empty());
  // The refusal of one is not told by the warning of another.
  std::filesystem::remove(files_.directory() / "b.key");
  live_->renew_certificates();
  EXPECT_EQ(logged("certificate_warning"), 1u);
  ASSERT_EQ(follower_.refusals.size(), 1u);
  EXPECT_NE(follower_.refusals[0].find("b.key"), std::string::npos) << follower_.refusals[0];
}

TEST_F(LiveCertificatesTest, AreWarnedOfByAReload) {
  files_.write("a", support::make_pair_valid({"a.test"}, std::chrono::hours(-48), std::chrono::hours(-24)));
  ASSERT_TRUE(live_->reload().has_value());
  EXPECT_EQ(logged("warning reload_warning key=sites[0].tls.cert warning="), 1u);
}

TEST_F(LiveCertificatesTest, AreReadAnewByAReloadWhichSaysSo) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(live_->reload().value(), Lines{});
  // What a file of client_ca holds cannot be seen from outside either.
  files_.directory().write("a.key", support::file_bytes(files_.directory() / "a.key"));
  EXPECT_EQ(live_->reload().value(), Lines{"files of certificates were read anew"});
  EXPECT_EQ(live_->reload().value(), Lines{});
}

}  // namespace
}  // namespace viaduct::daemon

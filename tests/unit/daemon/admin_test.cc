// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/log.h"
#include "net/dialer.h"
#include "support/scripted_server.h"
#include "support/temporary_directory.h"
#include "support/wait_until.h"

namespace viaduct::daemon {
namespace {

using namespace std::chrono_literals;

// Takes commands.
struct Commands final : AdminHandler {
  std::optional<std::string> on_admin_command(std::string_view command, std::uint64_t session) override {
    taken.emplace_back(command);
    sessions.push_back(session);
    return answer;
  }
  std::vector<std::string> taken;
  std::vector<std::uint64_t> sessions;
  std::optional<std::string> answer = "ok";  // absent: later
};

// Connects a client whose every move is the test's.
struct Dialed final : net::DialHandler {
  void on_dialed(os::Fd connected) override { fd = std::move(connected); }
  void on_dial_failed(const base::Error& error) override { code = error.code; }
  os::Fd fd;
  int code = 0;
};

class AdminTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(base::log_open({.file = directory_ / "error.log"}).has_value());
    auto listening = Admin::listen(loop_, commands_, path_);
    ASSERT_TRUE(listening.has_value()) << listening.error().message;
    admin_ = std::move(*listening);
  }
  void TearDown() override { ASSERT_TRUE(base::log_open({}).has_value()); }
  support::ScriptedConnection& connect() {
    Dialed dialed;
    net::Dialer dialer(loop_, dialed);
    dialer.dial(base::SocketAddress::unix_path(path_));
    support::wait_until(loop_, [&] { return dialed.fd || dialed.code != 0; });
    clients_.push_back(std::make_unique<support::ScriptedConnection>(loop_, std::move(dialed.fd)));
    support::settle(loop_);
    return *clients_.back();
  }
  bool until_closed(support::ScriptedConnection& client) {
    return support::wait_until(loop_, [&] { return client.is_ended || client.is_reset; });
  }

  support::TemporaryDirectory directory_;
  std::string path_ = directory_ / "admin.sock";
  support::ManualClock clock_;
  net::Loop loop_{clock_};
  Commands commands_;
  std::unique_ptr<Admin> admin_;
  std::vector<std::unique_ptr<support::ScriptedConnection>> clients_;
};

TEST_F(AdminTest, AnswersOneLineWithOneLineAndEnds) {
  support::ScriptedConnection& client = connect();
  client.send("reload\n");
  ASSERT_TRUE(until_closed(client));
  EXPECT_EQ(client.received, "ok\n");
  EXPECT_EQ(commands_.taken, std::vector<std::string>{"reload"});
}

TEST_F(AdminTest, PutsACommandTogetherFromItsPieces) {
  support::ScriptedConnection& client = connect();
  for (const char byte : std::string_view("stop\n")) {
    EXPECT_TRUE(commands_.taken.empty());
    client.send(std::string_view(&byte, 1));
    support::settle(loop_);
  }
  ASSERT_TRUE(until_closed(client));
  EXPECT_EQ(commands_.taken, std::vector<std::string>{"stop"});
}

TEST_F(AdminTest, LetsOnlyItsOwnerIn) {
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(AdminTest, TakesCommandsUpToABound) {
  struct Row {
    std::size_t size;
    bool is_taken;
  };
  for (const Row& row :
       {Row{Admin::kCommandBytesMax - 1, true}, Row{Admin::kCommandBytesMax, true},
        Row{Admin::kCommandBytesMax + 1, false}, Row{Admin::kCommandBytesMax + 100, false}, Row{100'000, false}}) {
    commands_.taken.clear();
    support::ScriptedConnection& client = connect();
    client.send(std::string(row.size, 'x') + "\n");
    ASSERT_TRUE(until_closed(client)) << row.size;
    EXPECT_EQ(commands_.taken.size(), row.is_taken ? 1u : 0u) << row.size;
    EXPECT_EQ(client.received, row.is_taken ? "ok\n" : "") << row.size;
  }
}

TEST_F(AdminTest, TakesHalfALineForNone) {
  support::ScriptedConnection& client = connect();
  client.send("sto");
  client.finish();
  ASSERT_TRUE(until_closed(client));
  EXPECT_TRUE(commands_.taken.empty());
}

TEST_F(AdminTest, WaitsForACommandAsLongAsTheLimit) {
  support::ScriptedConnection& client = connect();
  support::pass_time(loop_, clock_, Admin::kSessionTime - 10ms);
  EXPECT_FALSE(client.is_ended);
  support::pass_time(loop_, clock_, 20ms);
  ASSERT_TRUE(until_closed(client));
  EXPECT_EQ(client.received, "");
}

TEST_F(AdminTest, TakesABoundedNumberOfClientsAtOnce) {
  for (std::size_t i = 0; i < Admin::kSessionsMax; ++i) EXPECT_FALSE(connect().is_ended);
  support::ScriptedConnection& refused = connect();
  ASSERT_TRUE(until_closed(refused));
  clients_.front()->send("one\n");
  ASSERT_TRUE(until_closed(*clients_.front()));
  support::ScriptedConnection& next = connect();
  next.send("two\n");
  ASSERT_TRUE(until_closed(next));
  EXPECT_EQ(next.received, "ok\n");
}

// More than the socket's buffer holds, to a reader that lets it fill first.
TEST_F(AdminTest, SendsLongAnswersWhole) {
  std::string lines = "ok";
  while (lines.size() < 3'000'000) lines += "\nline of an answer";
  commands_.answer = lines;
  support::ScriptedConnection& client = connect();
  client.send("status\n");
  ASSERT_TRUE(until_closed(client));
  EXPECT_EQ(client.received, lines + "\n");
}

TEST_F(AdminTest, GivesAnswersUpToABound) {
  for (const std::size_t more : {0u, 1u}) {
    commands_.answer = "ok" + std::string(Admin::kAnswerBytesMax - 2 + more, 'x');
    support::ScriptedConnection& client = connect();
    client.send("status\n");
    ASSERT_TRUE(until_closed(client));
    if (more == 0) {
      EXPECT_EQ(client.received.size(), Admin::kAnswerBytesMax + 1);
    } else {
      EXPECT_TRUE(client.received.starts_with("error: the answer has ")) << client.received.substr(0, 100);
    }
  }
}

TEST_F(AdminTest, GivesUpAReaderThatTakesNothingOfALongAnswer) {
  commands_.answer = std::string(4'000'000, 'x');
  Dialed dialed;
  net::Dialer dialer(loop_, dialed);
  dialer.dial(base::SocketAddress::unix_path(path_));
  support::wait_until(loop_, [&] { return dialed.fd || dialed.code != 0; });
  ASSERT_EQ(::send(dialed.fd.get(), "status\n", 7, 0), 7);
  support::wait_until(loop_, [&] { return !commands_.taken.empty(); });
  support::pass_time(loop_, clock_, Admin::kSessionTime + 10ms);
  std::string received(1'000'000, '\0');
  std::size_t total = 0;
  ssize_t got = 0;
  while ((got = ::recv(dialed.fd.get(), received.data(), received.size(), MSG_DONTWAIT)) > 0) {
    total += static_cast<std::size_t>(got);
  }
  EXPECT_EQ(got, 0);  // closed, not merely empty
  EXPECT_LT(total, 4'000'000u);
}

TEST_F(AdminTest, AnswersLaterWhereTheHandlerNeedsTime) {
  commands_.answer.reset();
  support::ScriptedConnection& first = connect();
  support::ScriptedConnection& second = connect();
  first.send("upgrade\n");
  support::settle(loop_);
  second.send("upgrade\n");
  support::settle(loop_);
  ASSERT_EQ(commands_.sessions.size(), 2u);
  EXPECT_NE(commands_.sessions[0], commands_.sessions[1]);
  // Time that the handler takes is not the client's.
  support::pass_time(loop_, clock_, Admin::kSessionTime * 3);
  EXPECT_FALSE(first.is_ended);
  admin_->answer(commands_.sessions[1], "error: busy");
  ASSERT_TRUE(until_closed(second));
  EXPECT_EQ(second.received, "error: busy\n");
  EXPECT_FALSE(first.is_ended);
  admin_->answer(commands_.sessions[0], "ok\ndone");
  ASSERT_TRUE(until_closed(first));
  EXPECT_EQ(first.received, "ok\ndone\n");
  admin_->answer(commands_.sessions[0], "ok");  // gone: nothing happens
}

TEST_F(AdminTest, RemovesItsSocketWhenItGoes) {
  support::ScriptedConnection& client = connect();
  admin_.reset();
  ASSERT_TRUE(until_closed(client));
  struct stat status{};
  EXPECT_EQ(::stat(path_.c_str(), &status), -1);
}

TEST_F(AdminTest, LeavesTheFileToTheProcessThatListensNow) {
  support::ScriptedConnection& asking = connect();
  commands_.answer.reset();
  asking.send("upgrade\n");
  support::settle(loop_);
  auto next = Admin::adopt(loop_, commands_, path_, os::Fd(::dup(admin_->descriptor())));
  admin_->answer(commands_.sessions.back(), "ok\nanother");
  admin_->hand_over();
  ASSERT_TRUE(until_closed(asking));
  EXPECT_EQ(asking.received, "ok\nanother\n");
  admin_.reset();
  commands_.answer = "ok";
  support::ScriptedConnection& client = connect();
  client.send("stop\n");
  ASSERT_TRUE(until_closed(client));
  EXPECT_EQ(client.received, "ok\n");
  // One that has not begun to serve leaves no less.
  next.reset();
  struct stat status{};
  EXPECT_EQ(::stat(path_.c_str(), &status), 0);
}

TEST_F(AdminTest, RemovesAFileThatIsItsOwnByNow) {
  auto next = Admin::adopt(loop_, commands_, path_, os::Fd(::dup(admin_->descriptor())));
  admin_->hand_over();
  next->own_file();
  EXPECT_EQ(next->path(), path_);
  next.reset();
  struct stat status{};
  EXPECT_EQ(::stat(path_.c_str(), &status), -1);
}

TEST_F(AdminTest, RefusesASocketThatIsInUse) {
  const auto second = Admin::listen(loop_, commands_, path_);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find(path_), std::string::npos) << second.error().message;
  support::ScriptedConnection& client = connect();
  client.send("still\n");
  ASSERT_TRUE(until_closed(client));
  EXPECT_EQ(client.received, "ok\n");
}

// ---- the client's side ----------------------------------------------------------------------------------------------

class AskAdminTest : public AdminTest {
 protected:
  // Asks from another thread, as the command line does from another process.
  base::Result<std::string> ask(std::string_view command) {
    base::Result<std::string> answer;
    std::atomic<bool> is_done = false;
    std::thread asker([&] {
      answer = ask_admin(path_, command);
      is_done = true;
    });
    support::wait_until(loop_, [&] { return is_done.load(); });
    asker.join();
    return answer;
  }
};

TEST_F(AskAdminTest, GivesTheAnswerWithoutItsLineEnd) {
  commands_.answer = "error: unknown command";
  const auto answer = ask("nonsense");
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(*answer, "error: unknown command");
  EXPECT_EQ(commands_.taken, std::vector<std::string>{"nonsense"});
}

TEST_F(AskAdminTest, GivesAllLinesOfAnAnswer) {
  std::string lines = "ok";
  while (lines.size() < 2'000'000) lines += "\nline of an answer";
  commands_.answer = lines;
  const auto answer = ask("status");
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(*answer, lines);
}

TEST_F(AskAdminTest, TellsSuccessByTheFirstWord) {
  EXPECT_TRUE(is_admin_success("ok"));
  EXPECT_TRUE(is_admin_success("ok\nroute added"));
  EXPECT_TRUE(is_admin_success("ok 3 changes"));
  for (const std::string_view answer : {"", "okay", "error: ok", " ok", "error: x\nok"}) {
    EXPECT_FALSE(is_admin_success(answer)) << answer;
  }
}

TEST_F(AskAdminTest, TellsAnEmptyAnswerFromAnAnswer) {
  const auto answer = ask(std::string(Admin::kCommandBytesMax + 1, 'x'));
  ASSERT_FALSE(answer.has_value()) << *answer;
  EXPECT_NE(answer.error().message.find("did not answer"), std::string::npos) << answer.error().message;
}

TEST_F(AskAdminTest, SaysWhereNobodyAnswers) {
  admin_.reset();
  const auto answer = ask("stop");
  ASSERT_FALSE(answer.has_value());
  EXPECT_NE(answer.error().message.find(path_), std::string::npos) << answer.error().message;
}

}  // namespace
}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
#include "exchange/password_checker.h"

#include <gtest/gtest.h>

#include <deque>

#include "support/captured_log.h"
#include "support/manual_clock.h"
#include "support/wait_until.h"

namespace viaduct::exchange {
namespace {

constexpr std::string_view kHash = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
constexpr PasswordClaim kRight{.user = "anna", .password = "secret", .hash = kHash};
constexpr PasswordClaim kWrong{.user = "anna", .password = "guess", .hash = kHash};

struct Asker final : PasswordWait {
  void on_password_checked(bool matches) override { answer = matches ? "yes" : "no"; }
  std::string answer;
};

class PasswordCheckerTest : public testing::Test {
 protected:
  // What comes of asking for `claim`; "full" where too many wait.
  std::string ask(const PasswordClaim& claim) {
    Asker asker;
    if (!checker_.check(claim, asker)) return "full";
    EXPECT_EQ(asker.answer, "");  // in a later turn
    EXPECT_TRUE(support::wait_until(loop_, [&asker] { return !asker.answer.empty(); }));
    return asker.answer;
  }

  support::ManualClock clock_;
  net::Loop loop_{clock_};
  PasswordChecker checker_{loop_};
};

TEST_F(PasswordCheckerTest, TellsRightFromWrong) {
  EXPECT_EQ(ask(kRight), "yes");
  EXPECT_EQ(ask(kWrong), "no");
}

TEST_F(PasswordCheckerTest, RemembersWhatWasRightAndNothingElse) {
  EXPECT_FALSE(checker_.knows(kRight));
  ask(kRight);
  ask(kWrong);
  EXPECT_TRUE(checker_.knows(kRight));
  EXPECT_FALSE(checker_.knows(kWrong));
  EXPECT_FALSE(checker_.knows({.user = "bert", .password = "secret", .hash = kHash}));
  // The file has changed.
  EXPECT_FALSE(checker_.knows({.user = "anna", .password = "secret", .hash = "$2y$04$other"}));
  // Where one text ends and the next begins counts.
  EXPECT_FALSE(checker_.knows({.user = "annas", .password = "ecret", .hash = kHash}));
}

TEST_F(PasswordCheckerTest, RemembersTheLatestOfMany) {
  for (int i = 0; i < 20; ++i) {
    const std::string user = "user" + std::to_string(i);
    EXPECT_EQ(ask({.user = user, .password = "secret", .hash = kHash}), "yes");
    EXPECT_TRUE(checker_.knows({.user = user, .password = "secret", .hash = kHash}));
  }
}

TEST_F(PasswordCheckerTest, TakesALongPasswordForWrong) {
  const std::string longest(PasswordChecker::kPasswordBytesMax, 'x');
  EXPECT_EQ(ask({.user = "anna", .password = longest, .hash = kHash}), "no");
  EXPECT_EQ(ask({.user = "anna", .password = longest + "x", .hash = kHash}), "no");
  EXPECT_FALSE(checker_.knows({.user = "anna", .password = longest + "x", .hash = kHash}));
}

TEST_F(PasswordCheckerTest, BoundsThoseThatWait) {
  std::deque<Asker> askers(PasswordChecker::kWaitingMax);
  for (Asker& asker : askers) EXPECT_TRUE(checker_.check(kWrong, asker));
  Asker late;
  EXPECT_FALSE(checker_.check(kWrong, late));
  EXPECT_TRUE(support::wait_until(loop_, [&askers] { return askers.back().answer == "no"; }));
  EXPECT_EQ(ask(kRight), "yes");
}

TEST_F(PasswordCheckerTest, TellsNobodyWhoWasForgotten) {
  std::deque<Asker> askers(PasswordChecker::kWaitingMax);
  for (Asker& asker : askers) EXPECT_TRUE(checker_.check(kRight, asker));
  for (Asker& asker : askers) checker_.forget(asker);
  EXPECT_EQ(ask(kRight), "yes");  // there is room again
  for (const Asker& asker : askers) EXPECT_EQ(asker.answer, "");
  checker_.forget(askers.front());  // once more
}

TEST_F(PasswordCheckerTest, EndsWithPasswordsInItsQueue) {
  Asker asker;
  {
    PasswordChecker checker(loop_);
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(checker.check(kRight, asker));
  }
  EXPECT_EQ(asker.answer, "");
}

// As where the system has no more threads for this user.
int refused_threads = 0;

base::Result<os::Thread> refuse_two_threads(os::ThreadBody& body) {
  if (refused_threads == 2) return os::Thread::start(body);
  ++refused_threads;
  return base::fail("cannot start a thread: Resource temporarily unavailable");
}

TEST_F(PasswordCheckerTest, TakesNoPasswordWhileThereIsNoThread) {
  const support::CapturedLog log;
  Asker asker;
  PasswordChecker checker(loop_, refuse_two_threads);
  EXPECT_FALSE(checker.check(kRight, asker));
  EXPECT_FALSE(checker.check(kRight, asker));
  EXPECT_EQ(log.lines("password_thread_").size(), 1U);
  EXPECT_TRUE(checker.check(kRight, asker));
  EXPECT_TRUE(support::wait_until(loop_, [&asker] { return asker.answer == "yes"; }));
  EXPECT_EQ(log.lines("password_thread_").size(), 2U);
}

}  // namespace
}  // namespace viaduct::exchange

// SPDX-License-Identifier: Apache-2.0
#include "net/resolved_name.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "base/log.h"
#include "support/scripted_dns.h"
#include "support/temporary_directory.h"
#include "support/wait_until.h"

namespace viaduct::net {
namespace {

using namespace std::chrono_literals;
using support::DnsManner;
using support::RecordType;

struct Waiter final : ResolveWaiter {
  void on_resolved(const NameAnswer& found) override {
    answer = found;
    ++resolved;
  }
  void on_resolve_failed(ResolveFailure why, const base::Error& what) override {
    failure = why;
    error = what;
    ++failed;
  }
  int events() const { return resolved + failed; }
  NameAnswer answer;
  ResolveFailure failure = ResolveFailure::kUnresolved;
  base::Error error;
  int resolved = 0;
  int failed = 0;
};

struct Watcher final : NameWatcher {
  void on_name_changed(const NameAnswer& changed) override {
    answer = changed;
    ++events;
  }
  NameAnswer answer;
  int events = 0;
};

class ResolvedNameTest : public testing::Test {
 protected:
  ResolvedNameTest() {
    EXPECT_TRUE(base::log_open({.file = directory_ / "error.log", .level = base::LogLevel::kInfo}).has_value());
    dns_.names["a.test"] = {"60 A 192.0.2.1"};
    name("a.test");
  }
  ~ResolvedNameTest() override { EXPECT_TRUE(base::log_open({}).has_value()); }

  ResolvedName& name(const std::string& text, const char* allowed = nullptr) {
    base::CidrSet set;
    if (allowed != nullptr) set.add(*base::Cidr::parse(allowed));
    return name_.emplace(shared_, NameKey{.name = text, .is_service = false, .allowed = std::move(set)});
  }
  // Resolves and gives what came, as text.
  std::string resolve() {
    Waiter waiter;
    name_->resolve(waiter);
    EXPECT_EQ(waiter.events(), 0);
    support::wait_until(loop_, [&] { return waiter.events() > 0; });
    last_ = waiter.error;
    last_failure_ = waiter.failure;
    return text_of(waiter.answer);
  }
  static std::string text_of(const NameAnswer& answer) {
    base::Random random;
    std::string text;
    for (const base::SocketAddress& address : answer.in_order(80, random)) {
      text += (text.empty() ? "" : " ") + address.ip().to_string();
    }
    return text;
  }
  // What it means now, "-" when that cannot be said.
  std::string found() {
    const NameAnswer* answer = name_->find();
    return answer == nullptr ? "-" : text_of(*answer);
  }
  void pass(base::Duration duration) { support::pass_time(loop_, clock_, duration); }
  // Waits until the name server has been asked `count` rounds for a name that has one family, and has answered.
  void until_rounds(int count, const std::string& text = "a.test") {
    support::wait_until(loop_, [&] { return rounds(text) >= count; });
    EXPECT_EQ(rounds(text), count);
    for (int i = 0; i < 5; ++i) support::settle(loop_);
  }
  int rounds(const std::string& text = "a.test") const {
    return std::min(dns_.questions(text, RecordType::kA), dns_.questions(text, RecordType::kAaaa));
  }
  // Lines of the error log that hold `word`.
  long lines_with(std::string_view word) {
    base::log_flush();
    const std::string text = support::file_bytes(directory_ / "error.log");
    long count = 0;
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
    return count;
  }

  support::TemporaryDirectory directory_;
  support::ManualClock clock_;
  Loop loop_{clock_};
  support::ScriptedDns dns_{loop_};
  DnsChannel channel_{loop_, {.servers = {dns_.address()}, .timeout = 3s}};
  TtlRange ttl_;
  SharedConditions conditions_;
  ResolvedName::Shared shared_{.loop = loop_, .channel = channel_, .ttl = ttl_, .conditions = &conditions_};
  std::optional<ResolvedName> name_;
  base::Error last_;
  ResolveFailure last_failure_ = ResolveFailure::kUnresolved;
};

TEST_F(ResolvedNameTest, IsAskedOnceForAllWhoWait) {
  EXPECT_EQ(found(), "-");
  Waiter first;
  Waiter second;
  name_->resolve(first);
  name_->resolve(second);
  support::wait_until(loop_, [&] { return first.events() > 0 && second.events() > 0; });
  EXPECT_EQ(text_of(first.answer), "192.0.2.1");
  EXPECT_EQ(text_of(second.answer), "192.0.2.1");
  EXPECT_EQ(found(), "192.0.2.1");
  EXPECT_EQ(resolve(), "192.0.2.1");
  EXPECT_EQ(rounds(), 1);
}

TEST_F(ResolvedNameTest, DoesNotCallAWaiterThatLeft) {
  {
    Waiter gone;
    name_->resolve(gone);
  }
  EXPECT_EQ(resolve(), "192.0.2.1");
}

// ---- for how long ---------------------------------------------------------------------------------------------------

TEST_F(ResolvedNameTest, IsRenewedBeforeItsTimeEndsWithoutAnybodyWaiting) {
  resolve();
  dns_.names["a.test"] = {"60 A 192.0.2.2"};
  pass(53900ms);
  EXPECT_EQ(rounds(), 1);
  pass(200ms);  // nine tenths of 60 s
  until_rounds(2);
  EXPECT_EQ(found(), "192.0.2.2");
}

TEST_F(ResolvedNameTest, CountsWhileItIsBeingRenewed) {
  resolve();
  dns_.set("a.test", DnsManner::kSilent);
  pass(54100ms);
  support::wait_until(loop_, [this] { return rounds() >= 2; });
  EXPECT_EQ(found(), "192.0.2.1");
  EXPECT_EQ(resolve(), "192.0.2.1");
}

TEST_F(ResolvedNameTest, CountsAtLeastForTheFloorAndAtMostForTheCeiling) {
  struct Row {
    const char* record;
    base::Duration renewed_after;
  };
  constexpr Row kRows[] = {{"0 A 192.0.2.1", 4500ms},  {"1 A 192.0.2.1", 4500ms}, {"5 A 192.0.2.1", 4500ms},
                           {"10 A 192.0.2.1", 9s},     {"300 A 192.0.2.1", 270s}, {"301 A 192.0.2.1", 270s},
                           {"86400 A 192.0.2.1", 270s}};
  for (const Row& row : kRows) {
    name("a.test");
    dns_.names["a.test"] = {row.record};
    const int before = rounds();
    resolve();
    pass(row.renewed_after - 100ms);
    EXPECT_EQ(rounds(), before + 1) << row.record;
    pass(200ms);
    until_rounds(before + 2);
  }
}

TEST_F(ResolvedNameTest, IsNotRenewedWhenNobodyUsesIt) {
  dns_.names["a.test"] = {"300 A 192.0.2.1"};
  resolve();
  pass(270100ms);  // in use: it was asked for less than five minutes ago
  until_rounds(2);
  pass(270100ms);
  EXPECT_EQ(rounds(), 2);
  EXPECT_TRUE(name_->is_unused());
  EXPECT_EQ(found(), "-");
  EXPECT_EQ(resolve(), "192.0.2.1");
  EXPECT_EQ(rounds(), 3);
}

TEST_F(ResolvedNameTest, IsInUseWhileSomebodyWatches) {
  Watcher watcher;
  name_->watch(watcher);
  until_rounds(1);
  EXPECT_EQ(watcher.events, 1);
  for (int i = 2; i < 12; ++i) {
    pass(54100ms);
    until_rounds(i);
  }
  EXPECT_FALSE(name_->is_unused());
  EXPECT_EQ(found(), "192.0.2.1");
}

TEST_F(ResolvedNameTest, TellsWatchersOfWhatChanged) {
  dns_.names["a.test"] = {"60 A 192.0.2.1", "60 A 192.0.2.2"};
  Watcher watcher;
  name_->watch(watcher);
  until_rounds(1);
  dns_.names["a.test"] = {"60 A 192.0.2.2", "60 A 192.0.2.1"};
  pass(54100ms);
  until_rounds(2);
  EXPECT_EQ(watcher.events, 1);
  dns_.names["a.test"] = {"60 A 192.0.2.2", "60 A 192.0.2.3"};
  pass(54100ms);
  until_rounds(3);
  EXPECT_EQ(watcher.events, 2);
  EXPECT_EQ(text_of(watcher.answer), "192.0.2.2 192.0.2.3");
}

TEST_F(ResolvedNameTest, AsksSoonForTheFamilyThatDidNotCome) {
  dns_.names["a.test"] = {"60 A 192.0.2.1", "60 AAAA 2001:db8::1"};
  dns_.set("a.test", DnsManner::kSilent, RecordType::kAaaa);
  Waiter waiter;
  name_->resolve(waiter);
  support::wait_until(loop_, [this] { return rounds() >= 1; });
  support::settle(loop_);
  pass(60ms);
  ASSERT_EQ(waiter.resolved, 1);
  EXPECT_EQ(found(), "192.0.2.1");
  dns_.set("a.test", DnsManner::kAnswer, RecordType::kAaaa);
  pass(4600ms);
  until_rounds(2);
  EXPECT_EQ(found(), "2001:db8::1 192.0.2.1");
}

// ---- when name servers fail -----------------------------------------------------------------------------------------

TEST_F(ResolvedNameTest, KeepsItsLastGoodAnswer) {
  for (const DnsManner manner : {DnsManner::kServerFailure, DnsManner::kNoName, DnsManner::kSilent}) {
    dns_.set("a.test", DnsManner::kAnswer);
    name("a.test");
    const int before = rounds();
    resolve();
    dns_.set("a.test", manner);
    pass(54100ms);
    support::wait_until(loop_, [&] { return rounds() > before + 1; });
    for (int i = 0; i < 5; ++i) support::settle(loop_);
    pass(3100ms);  // the deadline
    for (int i = 0; i < 40; ++i) {
      EXPECT_EQ(found(), "192.0.2.1");
      EXPECT_EQ(resolve(), "192.0.2.1");
      pass(60s);
    }
  }
}

TEST_F(ResolvedNameTest, TellsOnceThatItFailsAndOnceThatItIsBack) {
  std::optional<ResolvedName> other;  // of another worker
  other.emplace(shared_, NameKey{.name = "a.test", .is_service = false, .allowed = {}});
  resolve();
  dns_.set("a.test", DnsManner::kNoName);
  name("a.test");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(resolve(), "");
    Waiter waiter;
    other->resolve(waiter);
    support::wait_until(loop_, [&] { return waiter.failed == 1; });
    pass(1100ms * (i + 1));
    for (int j = 0; j < 5; ++j) support::settle(loop_);
  }
  EXPECT_EQ(lines_with("name_unresolved name=a.test"), 1);
  EXPECT_EQ(lines_with("name_resolved"), 0);
  dns_.set("a.test", DnsManner::kAnswer);
  pass(31s);
  support::wait_until(loop_, [&] { return found() != "-" && other->find() != nullptr; });
  EXPECT_EQ(lines_with("name_unresolved"), 1);
  EXPECT_EQ(lines_with("name_resolved name=a.test addresses=1"), 1);
}

TEST_F(ResolvedNameTest, FailsAtOnceWhenItIsKnownThatNothingIsKnown) {
  dns_.set("a.test", DnsManner::kNoName);
  EXPECT_EQ(resolve(), "");
  EXPECT_EQ(last_failure_, ResolveFailure::kUnresolved);
  EXPECT_EQ(last_.message, "name a.test does not resolve: Domain name not found");
  dns_.set("a.test", DnsManner::kSilent);
  Waiter waiter;
  name_->resolve(waiter);
  support::settle(loop_);
  EXPECT_EQ(waiter.failed, 1);
  EXPECT_EQ(rounds(), 1);
}

TEST_F(ResolvedNameTest, IsAskedAgainEverMoreSeldom) {
  dns_.set("a.test", DnsManner::kNoName);
  Watcher watcher;
  name_->watch(watcher);
  until_rounds(1);
  int count = 1;
  for (const base::Duration delay : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    pass(delay - 100ms);
    EXPECT_EQ(rounds(), count);
    pass(200ms);
    until_rounds(++count);
  }
  dns_.set("a.test", DnsManner::kAnswer);
  pass(30100ms);
  until_rounds(++count);
  EXPECT_EQ(found(), "192.0.2.1");
  EXPECT_EQ(watcher.events, 1);
}

TEST_F(ResolvedNameTest, AsksAtOnceWhenOtherServersMayKnow) {
  dns_.set("a.test", DnsManner::kNoName);
  resolve();
  dns_.set("a.test", DnsManner::kAnswer);
  name_->retry_soon();
  pass(10ms);
  until_rounds(2);
  EXPECT_EQ(found(), "192.0.2.1");
}

TEST_F(ResolvedNameTest, RestsWhenNobodyAsksForANameThatFails) {
  dns_.set("a.test", DnsManner::kNoName);
  resolve();
  for (int i = 0; i < 20; ++i) {
    pass(31s);
    for (int j = 0; j < 5; ++j) support::settle(loop_);
  }
  const int count = rounds();
  pass(1h);
  EXPECT_EQ(rounds(), count);
  EXPECT_TRUE(name_->is_unused());
  dns_.set("a.test", DnsManner::kAnswer);
  EXPECT_EQ(resolve(), "192.0.2.1");
}

// ---- what it may not mean -------------------------------------------------------------------------------------------

TEST_F(ResolvedNameTest, MayNotMeanWhatIsForbidden) {
  struct Row {
    const char* record;
    const char* text;
  };
  constexpr Row kRows[] = {{"60 A 127.0.0.1", "127.0.0.1 (loopback)"},
                           {"60 A 169.254.169.254", "169.254.169.254 (link_local)"},
                           {"60 AAAA ::1", "::1 (loopback)"},
                           {"60 AAAA ::ffff:127.0.0.1", "127.0.0.1 (loopback)"},
                           {"60 AAAA 64:ff9b::7f00:1", "64:ff9b::7f00:1 (loopback)"},
                           {"60 CNAME x.test", nullptr}};
  for (const Row& row : kRows) {
    name("bad.test");
    dns_.names["bad.test"] = {row.record};
    if (row.text == nullptr) dns_.names["bad.test"].emplace_back("x.test 60 A 127.0.0.1");
    EXPECT_EQ(resolve(), "") << row.record;
    EXPECT_EQ(last_failure_, ResolveFailure::kForbidden) << row.record;
    EXPECT_NE(last_.message.find(row.text == nullptr ? "127.0.0.1 (loopback)" : row.text), std::string::npos)
        << last_.message;
    EXPECT_NE(last_.message.find("bad.test"), std::string::npos);
  }
  EXPECT_EQ(lines_with("name_forbidden name=bad.test addresses=\"169.254.169.254 (link_local)\""), 1);
}

TEST_F(ResolvedNameTest, MeansTheRestWhereSomeIsForbidden) {
  dns_.names["a.test"] = {"60 A 127.0.0.1", "60 A 192.0.2.1"};
  EXPECT_EQ(resolve(), "192.0.2.1");
  dns_.names["a.test"] = {"60 A 192.0.2.1", "60 A 127.0.0.1"};
  for (int i = 2; i < 5; ++i) {
    pass(54100ms);
    until_rounds(i);
  }
  EXPECT_EQ(lines_with("name_forbidden"), 1);
}

TEST_F(ResolvedNameTest, MayMeanWhatTheConfigAllows) {
  dns_.names["a.test"] = {"60 A 127.0.0.1", "60 A 169.254.169.254"};
  name("a.test", "127.0.0.0/8");
  EXPECT_EQ(resolve(), "127.0.0.1");
}

TEST_F(ResolvedNameTest, DoesNotKeepAGoodAnswerAgainstAForbiddenOne) {
  resolve();
  dns_.names["a.test"] = {"60 A 127.0.0.1"};
  pass(54100ms);
  until_rounds(2);
  EXPECT_EQ(resolve(), "");
  EXPECT_EQ(last_failure_, ResolveFailure::kForbidden);
  dns_.names["a.test"] = {"60 A 192.0.2.2"};
  pass(54100ms);
  until_rounds(3);
  EXPECT_EQ(found(), "192.0.2.2");
}

TEST_F(ResolvedNameTest, MayMeanLoopbackWhereItSaysSoItself) {
  name("localhost");
  EXPECT_NE(resolve().find("127.0.0.1"), std::string::npos);
  EXPECT_EQ(lines_with("name_forbidden"), 0);
}

}  // namespace
}  // namespace viaduct::net

// SPDX-License-Identifier: Apache-2.0
#include "os/thread.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <vector>

namespace viaduct::os {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;  // they want more address space than there is under a limit
#else
constexpr bool kIsSanitized = false;
#endif

struct Runner final : ThreadBody {
  void run() override { has_run = true; }
  std::atomic<bool> has_run = false;
};

struct Pausing final : ThreadBody {
  void run() override { ::pause(); }
};

TEST(Thread, RunsBesideUsUntilItIsJoined) {
  Runner runner;
  auto thread = Thread::start(runner);
  ASSERT_TRUE(thread.has_value()) << thread.error().message;
  EXPECT_TRUE(static_cast<bool>(*thread));
  thread->join();
  EXPECT_TRUE(runner.has_run);
  EXPECT_FALSE(static_cast<bool>(*thread));
  thread->join();  // once more
}

TEST(Thread, IsJoinedByWhoeverHasItLast) {
  Runner runner;
  {
    Thread owner;
    EXPECT_FALSE(static_cast<bool>(owner));
    auto thread = Thread::start(runner);
    ASSERT_TRUE(thread.has_value());
    owner = std::move(*thread);
    EXPECT_TRUE(static_cast<bool>(owner));
    EXPECT_FALSE(static_cast<bool>(*thread));
  }
  EXPECT_TRUE(runner.has_run);
}

// In a process of its own, which has no room for another stack.
TEST(Thread, SaysWhyItCannotStart) {
  if (kIsSanitized) GTEST_SKIP() << "needs a limit of memory";
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{.rlim_cur = 1024 * 1024, .rlim_max = RLIM_INFINITY};
    ::setrlimit(RLIMIT_AS, &none);
    // Stacks of threads that have ended may be there to be used again.
    Pausing pausing;
    std::vector<Thread> threads;
    for (int i = 0; i < 100; ++i) {
      auto thread = Thread::start(pausing);
      if (!thread.has_value()) ::_exit(thread.error().code == EAGAIN ? 0 : 1);
      threads.push_back(std::move(*thread));
    }
    ::_exit(2);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
#include "os/seccomp.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>

namespace viaduct::os {
namespace {

// Runs `check` in a process of its own, since a filter stays for good; its result is the exit status.
template <typename Check>
int status_of(Check check) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(check());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Seccomp, RefusesPrograms) {
  EXPECT_EQ(status_of([] {
              if (!confine_system_calls()) return 1;
              char name[] = "/bin/true";
              char* const arguments[] = {name, nullptr};
              if (::execv(name, arguments) != -1 || errno != EPERM) return 2;
              return ::fork() == -1 && errno == EPERM ? 0 : 3;
            }),
            0);
}

TEST(Seccomp, LetsThreadsAndSocketsBe) {
  EXPECT_EQ(status_of([] {
              if (!confine_system_calls()) return 1;
              std::atomic<bool> ran = false;
              std::thread([&ran] { ran = true; }).join();
              const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
              return ran && fd >= 0 ? 0 : 2;
            }),
            0);
}

TEST(Seccomp, HoldsForThreadsThatRunAlready) {
  EXPECT_EQ(status_of([] {
              std::atomic<int> step = 0;
              std::atomic<int> error = 0;
              std::thread other([&] {
                step = 1;
                while (step != 2) std::this_thread::yield();
                error = ::setuid(::getuid()) == -1 ? errno : 0;
              });
              while (step != 1) std::this_thread::yield();
              const bool is_confined = confine_system_calls().has_value();
              step = 2;
              other.join();
              return is_confined && error == EPERM ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
#include "os/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>
#include <thread>

#include "support/temporary_directory.h"

namespace viaduct::os {
namespace {

// Runs `body` in a child process and returns its exit status: what it changes of the process stays there.
template <typename Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Blocks no signal any more when it goes.
class KeptSignalMask {
 public:
  KeptSignalMask() { ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_); }
  ~KeptSignalMask() { ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr); }
  KeptSignalMask(const KeptSignalMask&) = delete;
  KeptSignalMask& operator=(const KeptSignalMask&) = delete;

 private:
  sigset_t mask_{};
};

bool is_readable(int descriptor) {
  pollfd entry{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) == 1;
}

TEST(SignalReader, GivesSignalsToWhoReads) {
  const KeptSignalMask mask;
  const int signals[] = {SIGUSR1, SIGTERM};
  auto reader = SignalReader::open(signals);
  ASSERT_TRUE(reader.has_value());
  EXPECT_FALSE(is_readable(reader->descriptor()));
  EXPECT_EQ(reader->take(), 0);
  ASSERT_EQ(::raise(SIGTERM), 0);  // would end the process were it not blocked
  ASSERT_EQ(::raise(SIGUSR1), 0);
  ASSERT_EQ(::raise(SIGUSR1), 0);
  EXPECT_TRUE(is_readable(reader->descriptor()));
  int taken[] = {reader->take(), reader->take()};
  std::ranges::sort(taken);
  EXPECT_EQ(taken[0], SIGUSR1);
  EXPECT_EQ(taken[1], SIGTERM);
  EXPECT_EQ(reader->take(), 0);
}

TEST(SignalReader, KeepsSignalsFromThreadsThatStartLater) {
  const KeptSignalMask mask;
  const int signals[] = {SIGUSR2};
  const auto reader = SignalReader::open(signals);
  ASSERT_TRUE(reader.has_value());
  std::thread([] {
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    EXPECT_EQ(::sigismember(&blocked, SIGUSR2), 1);
  }).join();
}

TEST(SignalReader, FindsWhatCameWhileItWasBlocked) {
  const KeptSignalMask mask;
  const int signals[] = {SIGUSR2};
  ASSERT_TRUE(block_signals(signals).has_value());
  ::kill(::getpid(), SIGUSR2);
  auto reader = SignalReader::open(signals);
  ASSERT_TRUE(reader.has_value());
  EXPECT_TRUE(is_readable(reader->descriptor()));
  EXPECT_EQ(reader->take(), SIGUSR2);
}

TEST(Process, TurnsABrokenPipeIntoAnError) {
  EXPECT_EQ(in_child([] {
              ignore_write_signals();
              int ends[2];
              if (::pipe(ends) != 0) return 2;
              ::close(ends[0]);
              return ::write(ends[1], "x", 1) == -1 && errno == EPIPE ? 0 : 3;
            }),
            0);
}

TEST(Process, TurnsTheFileSizeLimitIntoAnError) {
  EXPECT_EQ(in_child([] {
              ignore_write_signals();
              const int file = ::memfd_create("limited", 0);
              const rlimit none{.rlim_cur = 0, .rlim_max = 0};
              ::setrlimit(RLIMIT_FSIZE, &none);
              return ::write(file, "x", 1) == -1 && errno == EFBIG ? 0 : 3;
            }),
            0);
}

TEST(Process, OpensClosedStandardStreams) {
  EXPECT_EQ(in_child([] {
              ::close(0);
              ::close(2);
              if (!open_standard_streams().has_value()) return 2;
              const bool are_open = ::fcntl(0, F_GETFD) == 0 && ::fcntl(1, F_GETFD) != -1 && ::fcntl(2, F_GETFD) == 0;
              const int next = ::open("/dev/null", O_RDONLY);
              return are_open && next > 2 && ::write(2, "x", 1) == 1 ? 0 : 3;
            }),
            0);
}

TEST(Process, LeavesOpenStandardStreamsAlone) {
  EXPECT_EQ(in_child([] {
              int ends[2];
              if (::pipe(ends) != 0 || ::dup2(ends[1], 1) != 1) return 2;
              if (!open_standard_streams().has_value()) return 3;
              char byte = 0;
              return ::write(1, "x", 1) == 1 && ::read(ends[0], &byte, 1) == 1 && byte == 'x' ? 0 : 4;
            }),
            0);
}

TEST(Process, RaisesTheLimitOfOpenFilesToItsMaximum) {
  EXPECT_EQ(in_child([] {
              rlimit limit{};
              ::getrlimit(RLIMIT_NOFILE, &limit);
              const rlim_t most = std::min<rlim_t>(limit.rlim_max, 4096);
              limit = {.rlim_cur = 64, .rlim_max = most};
              if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 2;
              const auto raised = raise_descriptor_limit();
              if (!raised.has_value() || *raised != most) return 3;
              ::getrlimit(RLIMIT_NOFILE, &limit);
              return limit.rlim_cur == most && raise_descriptor_limit().value() == most ? 0 : 4;
            }),
            0);
}

TEST(Process, CountsTheCoresThatItMayUse) {
  EXPECT_GE(usable_cores(), 1U);
  EXPECT_LE(usable_cores(), static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_CONF)));
  EXPECT_EQ(in_child([] {
              cpu_set_t cores;
              if (::sched_getaffinity(0, sizeof(cores), &cores) != 0) return 2;
              std::size_t first = 0;
              while (!CPU_ISSET(first, &cores)) ++first;
              CPU_ZERO(&cores);
              CPU_SET(first, &cores);
              if (::sched_setaffinity(0, sizeof(cores), &cores) != 0) return 3;
              return usable_cores() == 1 ? 0 : 4;
            }),
            0);
}

TEST(Process, NamesThreadsWithinTheLimit) {
  std::thread([] {
    char name[16];
    name_thread("worker 3");
    ASSERT_EQ(::pthread_getname_np(::pthread_self(), name, sizeof(name)), 0);
    EXPECT_STREQ(name, "worker 3");
    name_thread("sixteen bytes !!");
    ASSERT_EQ(::pthread_getname_np(::pthread_self(), name, sizeof(name)), 0);
    EXPECT_STREQ(name, "sixteen bytes !");
  }).join();
}

TEST(Threads, LetOthersGoBefore) {
  const int before = ::getpriority(PRIO_PROCESS, 0);
  std::thread([] {
    lower_thread_priority();
    EXPECT_GE(::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())), 10);
  }).join();
  EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())), before);  // this one stays as it is
}

TEST(CoreDumps, AreForbidden) {
  const pid_t child = ::fork();
  if (child == 0) {
    forbid_core_dumps();
    ::_exit(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Privileges, NameAUserThatDoesNotExist) {
  const auto result = drop_privileges("no-such-user-here");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message, "user no-such-user-here does not exist; create it or change process.user");
}

TEST(Privileges, TellWhoWeAre) {
  const passwd* self = ::getpwuid(::getuid());
  if (self == nullptr) GTEST_SKIP() << "this user has no name";
  EXPECT_EQ(is_user(self->pw_name).value(), true);
  EXPECT_EQ(is_user(::getuid() == 0 ? "nobody" : "root").value(), false);
  EXPECT_FALSE(is_user("no-such-user-here").has_value());
}

TEST(Privileges, GiveFilesAwayButNotThroughLinks) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const support::TemporaryDirectory directory;
  const std::string file = directory.write("file", "x");
  ASSERT_EQ(::symlink(file.c_str(), (directory / "link").c_str()), 0);
  const auto owner_of = [&file] {
    struct stat status{};
    EXPECT_EQ(::stat(file.c_str(), &status), 0);
    return status.st_uid;
  };
  ASSERT_TRUE(give_file(directory / "link", "nobody").has_value());
  EXPECT_EQ(owner_of(), 0u);
  ASSERT_TRUE(give_file(file, "nobody").has_value());
  EXPECT_EQ(owner_of(), ::getpwnam("nobody")->pw_uid);
  EXPECT_TRUE(give_file(directory / "missing", "nobody").has_value());
  EXPECT_FALSE(give_file(file, "no-such-user-here").has_value());
}

TEST(Privileges, AreLeftAloneForTheSameUser) {
  const passwd* self = ::getpwuid(::getuid());
  if (self == nullptr) GTEST_SKIP() << "this user has no name";
  EXPECT_TRUE(drop_privileges(self->pw_name).has_value());
}

TEST(Privileges, AreGivenUpForGood) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  EXPECT_EQ(in_child([] {
              const passwd* nobody = ::getpwnam("nobody");
              if (nobody == nullptr || !drop_privileges("nobody").has_value()) return 2;
              if (::getuid() != nobody->pw_uid || ::geteuid() != nobody->pw_uid) return 3;
              if (::getgid() != nobody->pw_gid || ::getegid() != nobody->pw_gid) return 4;
              gid_t groups[64];
              const int count = ::getgroups(64, groups);
              if (std::ranges::count(groups, groups + count, gid_t{0}) != 0) return 5;
              if (::setuid(0) == 0 || ::setgid(0) == 0) return 6;
              // From here nobody can become anybody.
              const auto again = drop_privileges("root");
              return !again.has_value() && again.error().code == EPERM ? 0 : 7;
            }),
            0);
}

}  // namespace
}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
#include "os/process.h"

#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <vector>

#include "base/format.h"

namespace viaduct::os {
namespace {

using base::fail;
using base::fail_errno;
using base::Result;

constexpr std::size_t kThreadNameMax = 15;
// Machines with more cores than this do not exist yet (the kernel is built for 8192 at most).
constexpr std::size_t kCoresMax = 8192;
// The texts of one row of the user database.
constexpr std::size_t kUserBytesMax = 64 * 1024;

sigset_t set_of(std::span<const int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return set;
}

struct User {
  uid_t id;
  gid_t group;
};

Result<User> find_user(const std::string& name) {
  std::vector<char> texts(kUserBytesMax);
  passwd row{};
  passwd* found = nullptr;
  const int error_number = ::getpwnam_r(name.c_str(), &row, texts.data(), texts.size(), &found);
  if (error_number != 0) return fail_errno(base::format("cannot look up user {}", name), error_number);
  if (found == nullptr) {
    return fail(base::format("user {} does not exist; create it or change process.user", name));
  }
  return User{.id = row.pw_uid, .group = row.pw_gid};
}

}  // namespace

Result<void> block_signals(std::span<const int> signals) {
  const sigset_t set = set_of(signals);
  const int error_number = ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  if (error_number != 0) return fail_errno("cannot block signals", error_number);
  return {};
}

Result<SignalReader> SignalReader::open(std::span<const int> signals) {
  TRY(block_signals(signals));
  const sigset_t set = set_of(signals);
  Fd fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) return fail_errno("cannot read signals", errno);
  return SignalReader(std::move(fd));
}

int SignalReader::take() {
  signalfd_siginfo information{};
  if (::read(fd_.get(), &information, sizeof(information)) != sizeof(information)) return 0;
  return static_cast<int>(information.ssi_signo);
}

void ignore_write_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

Result<void> open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) != -1) continue;
    // open(2) takes the lowest number that is free, which is this one.
    Fd fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!fd) return fail_errno("cannot open /dev/null", errno);
    // It stays open for the life of the process, and for what the process starts.
    ::fcntl(fd.get(), F_SETFD, 0);
    [[maybe_unused]] const int kept = fd.release();
  }
  return {};
}

Result<std::uint64_t> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == -1) return fail_errno("cannot read the limit of open files", errno);
  if (limit.rlim_cur == limit.rlim_max) return limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) == -1) {
    return fail_errno(base::format("cannot raise the limit of open files to {}", limit.rlim_max), errno);
  }
  return limit.rlim_cur;
}

unsigned usable_cores() {
  // A fixed cpu_set_t holds 1024 cores and the call fails on larger machines.
  std::vector<cpu_set_t> cores(CPU_ALLOC_SIZE(kCoresMax) / sizeof(cpu_set_t));
  const std::size_t bytes = cores.size() * sizeof(cpu_set_t);
  if (::sched_getaffinity(0, bytes, cores.data()) == -1) return 1;
  return static_cast<unsigned>(std::max(CPU_COUNT_S(bytes, cores.data()), 1));
}

void name_thread(std::string_view name) {
  const std::string kept(name.substr(0, kThreadNameMax));
  ::pthread_setname_np(::pthread_self(), kept.c_str());
}

void lower_thread_priority() {
  constexpr int kNice = 10;
  // A thread is a process to this call (Linux).
  [[maybe_unused]] const int ignored = ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
}

void release_free_memory() {
  ::malloc_trim(0);
}

Result<bool> is_user(const std::string& user) {
  const Result<User> found = find_user(user);
  if (!found.has_value()) return std::unexpected(found.error());
  return ::getuid() == found->id && ::geteuid() == found->id;
}

Result<void> give_file(const std::string& path, const std::string& user) {
  const Result<User> found = find_user(user);
  if (!found.has_value()) return std::unexpected(found.error());
  // Not through a link: whoever may make one in that directory must not be given any file of the system.
  if (::lchown(path.c_str(), found->id, found->group) == 0 || errno == ENOENT) return {};
  return fail_errno(base::format("cannot give {} to user {}", path, user), errno);
}

void forbid_core_dumps() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

Result<void> drop_privileges(const std::string& user) {
  const Result<User> found = find_user(user);
  if (!found.has_value()) return std::unexpected(found.error());
  if (::getuid() == found->id && ::geteuid() == found->id) return {};
  if (::geteuid() != 0) {
    return fail_errno(base::format("cannot become user {}: start as root, or leave process.user out", user), EPERM);
  }
  // Groups first: without root's rights they cannot be given up any more.
  if (::initgroups(user.c_str(), found->group) == -1 || ::setresgid(found->group, found->group, found->group) == -1 ||
      ::setresuid(found->id, found->id, found->id) == -1) {
    return fail_errno(base::format("cannot become user {}", user), errno);
  }
  if (found->id != 0 && ::setuid(0) == 0) return fail(base::format("user {} can become root again", user));
  return {};
}

}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
#include "os/seccomp.h"

#include <sched.h>
#include <seccomp.h>

#include <cerrno>
#include <memory>

namespace viaduct::os {
namespace {

struct Release {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

// What the daemon, the C library, OpenSSL, c-ares and libevent call while they serve, reload, resolve, log and stop.
// Names that this machine's kind of processor does not have are left out.
constexpr const char* kAllowed[] = {
    // connections
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom",
    "recvmmsg", "recvmsg", "sendfile", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socket",
    "socketpair",
    // waiting
    "clock_getres", "clock_gettime", "clock_nanosleep", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait",
    "epoll_pwait2", "epoll_wait", "eventfd2", "futex", "gettimeofday", "nanosleep", "poll", "ppoll", "pselect6",
    "restart_syscall", "select", "time", "timerfd_create", "timerfd_gettime", "timerfd_settime",
    // files
    "access", "chmod", "close", "close_range", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fchmod",
    "fchmodat", "fchown", "fcntl", "fdatasync", "flock", "fstat", "fstatfs", "fsync", "ftruncate", "getcwd",
    "getdents64", "ioctl", "lseek", "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat", "openat2", "pipe2",
    "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readlink", "readlinkat", "readv",
    "rename", "renameat", "renameat2", "rmdir", "stat", "statfs", "statx", "umask", "unlink", "unlinkat", "write",
    "writev",
    // memory
    "brk", "madvise", "membarrier", "mlock", "mmap", "mprotect", "mremap", "munlock", "munmap",
    // threads and signals
    "exit", "exit_group", "get_robust_list", "getpriority", "gettid", "kill", "prctl", "rseq", "rt_sigaction",
    "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "sched_getaffinity",
    "sched_getparam", "sched_getscheduler", "sched_setaffinity", "sched_yield", "set_robust_list", "set_tid_address",
    "setpriority", "sigaltstack", "signalfd4", "tgkill",
    // itself
    "getegid", "geteuid", "getgid", "getgroups", "getpgrp", "getpid", "getppid", "getrandom", "getresgid", "getresuid",
    "getrlimit", "getrusage", "getuid", "prlimit64", "sysinfo", "uname"};

bool allow_all(scmp_filter_ctx filter) {
  for (const char* name : kAllowed) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;
    if (::seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) != 0) return false;
  }
  return true;
}

// Threads, but no processes. What clone3 asks for lies in memory, where the kernel's filter cannot look; told that
// there is no such call, the C library takes clone.
bool allow_threads(scmp_filter_ctx filter) {
  constexpr scmp_datum_t kThread = CLONE_VM | CLONE_THREAD;
  const scmp_arg_cmp flags = {.arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = kThread, .datum_b = kThread};
  return ::seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, &flags) == 0 &&
         ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

}  // namespace

base::Result<void> confine_system_calls() {
  const Filter filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (filter == nullptr) return base::fail("cannot make a filter for system calls (process.seccomp)");
  // The threads that run already are confined with this one.
  const bool is_made = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1) == 0 && allow_all(filter.get()) &&
                       allow_threads(filter.get());
  if (!is_made) return base::fail("cannot fill the filter for system calls (process.seccomp)");
  if (const int error = ::seccomp_load(filter.get()); error != 0) {
    return base::fail_errno("the kernel takes no filter for system calls; leave process.seccomp out", -error);
  }
  return {};
}

}  // namespace viaduct::os

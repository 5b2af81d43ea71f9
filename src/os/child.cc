// SPDX-License-Identifier: Apache-2.0
#include "os/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/check.h"
#include "base/format.h"

namespace viaduct::os {
namespace {

// What posix_spawn(3) does between fork and exec.
class Spawning {
 public:
  explicit Spawning(const ChildSetup& setup) {
    CHECK(::posix_spawn_file_actions_init(&actions_) == 0 && ::posix_spawnattr_init(&attributes_) == 0);
    // A descriptor that is duplicated onto itself loses its close-on-exec flag.
    for (const int descriptor : setup.descriptors) {
      ::posix_spawn_file_actions_adddup2(&actions_, descriptor, descriptor);
    }
    if (setup.output != -1) {
      ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
      ::posix_spawn_file_actions_adddup2(&actions_, setup.output, STDOUT_FILENO);
      ::posix_spawn_file_actions_adddup2(&actions_, setup.output, STDERR_FILENO);
    }
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    ::sigaddset(&signals, SIGPIPE);
    ::sigaddset(&signals, SIGXFSZ);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    constexpr int kSignals = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    const int flags = setup.leads_group ? kSignals | POSIX_SPAWN_SETPGROUP : kSignals;
    ::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
  }
  ~Spawning() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Spawning(const Spawning&) = delete;
  Spawning& operator=(const Spawning&) = delete;

  int start(pid_t& pid, char* const* arguments, char* const* environment) const {
    return ::posix_spawn(&pid, arguments[0], &actions_, &attributes_, arguments, environment);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// Pointers into `texts`, and the null behind them that exec(3) wants.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  std::ranges::transform(texts, std::back_inserter(pointers), [](std::string& text) { return text.data(); });
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_of(const ChildSetup& setup) {
  std::vector<std::string> environment = setup.environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const std::string name = text.substr(0, text.find('='));
    const auto is_same = [&name](const std::string& other) { return other.substr(0, other.find('=')) == name; };
    if (std::ranges::none_of(setup.environment, is_same) && std::ranges::none_of(setup.without, is_same)) {
      environment.push_back(text);
    }
  }
  return environment;
}

}  // namespace

base::Result<pid_t> start_child(const ChildSetup& setup) {
  std::vector<std::string> command = setup.command;
  std::vector<std::string> environment = environment_of(setup);
  pid_t pid = 0;
  const int error_number = Spawning(setup).start(pid, pointers_to(command).data(), pointers_to(environment).data());
  if (error_number != 0) return base::fail_errno(base::format("cannot start {}", setup.command.front()), error_number);
  return pid;
}

ChildEnd reap_child(pid_t pid) {
  int status = 0;
  const pid_t result = ::waitpid(pid, &status, WNOHANG);
  if (result == 0 || (result == -1 && errno == EINTR)) return {};
  if (result == -1) return {.has_ended = true, .text = "unknown"};
  if (WIFEXITED(status)) return {.has_ended = true, .text = base::format("exit status {}", WEXITSTATUS(status))};
  return {.has_ended = true, .text = base::format("signal {}", WTERMSIG(status))};
}

void kill_child(pid_t pid) {
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) == -1 && errno == EINTR) continue;
}

std::string own_executable() {
  std::string name;
  std::ifstream command_line("/proc/self/cmdline", std::ios::binary);
  std::getline(command_line, name, '\0');
  std::error_code fault;
  if (name.contains('/')) {
    const std::filesystem::path path = std::filesystem::absolute(name, fault);
    if (!fault && ::access(path.c_str(), X_OK) == 0) return path.string();
  }
  constexpr std::string_view kDeleted = " (deleted)";
  std::string path = std::filesystem::read_symlink("/proc/self/exe", fault).string();
  if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
  return path;
}

}  // namespace viaduct::os

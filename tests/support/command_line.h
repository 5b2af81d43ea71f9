// SPDX-License-Identifier: Apache-2.0
// Runs a command line of `viaduct` inside the test and takes what it prints, and keeps a daemon running meanwhile. The
// daemon has a thread of its own; everything else belongs to the thread of the test.
#pragma once

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/temporary_directory.h"

namespace viaduct::support {

struct CommandResult {
  int exit_code = 0;
  std::string out;
  std::string err;
};

// Runs `viaduct` with `words` behind its name. Nothing else may print meanwhile. One at a time.
CommandResult run_command(std::vector<std::string> words);

// A config without TLS, on a free port of 127.0.0.1, that passes `check`. Its site is www.example.com with the routes
// get-x and post-x (by method, /x), api (prefix /api/, a proxy) and old (exact /old, a redirect); /api/internal/ is
// denied. Logs go to files beside it, and its admin socket, too.
std::string_view plain_config();

// A daemon in a thread of this process, by `viaduct run`; ends with the object.
class RunningDaemon {
 public:
  // Writes `config` into `directory` as viaduct.yaml and waits until the daemon answers on its admin socket
  // (admin.sock in `directory`); a failure of the test when it does not. `directory` must outlive the object.
  explicit RunningDaemon(const TemporaryDirectory& directory, std::string_view config = plain_config());
  ~RunningDaemon();
  RunningDaemon(const RunningDaemon&) = delete;
  RunningDaemon& operator=(const RunningDaemon&) = delete;

  const std::string& file() const { return file_; }
  // Waits until it has ended by itself and returns its exit code.
  int wait();

 private:
  bool is_answering() const;

  std::string file_;
  std::string socket_;
  int exit_code_ = -1;
  std::thread thread_;
};

}  // namespace viaduct::support

// SPDX-License-Identifier: Apache-2.0
// Runs one line in a shell, as if somebody had typed it, and takes what it writes: for `viaduct demo`, which shows what
// its lines give. Any thread, whatever signals are blocked or ignored there.
#pragma once

#include <stop_token>
#include <string>

#include "base/error.h"
#include "base/time.h"

namespace viaduct::cli {

// The exit code by which a shell says that it does not know a command.
inline constexpr int kCommandNotFound = 127;

struct ShellResult {
  // Of the shell; 128 and the signal's number where one ended it.
  int exit_code = 0;
  // Standard output and standard error, as they came; what is beyond kShellOutputBytesMax is dropped.
  std::string output;
  // It took longer than it may, or was told to stop: it and all that it started were killed.
  bool is_cut = false;
};

inline constexpr std::size_t kShellOutputBytesMax = 64 * 1024;

// Runs `line` in /bin/sh with nothing to read, and waits for its end, for `timeout`, or for `stop`. Fails when it
// cannot be started.
base::Result<ShellResult> run_in_shell(const std::string& line, base::Duration timeout, const std::stop_token& stop);

// `text` as one word of a shell's line.
std::string shell_word(const std::string& text);

}  // namespace viaduct::cli

// SPDX-License-Identifier: Apache-2.0
// Starting another program: the successor of this process at an upgrade, which is handed descriptors of ours, and the
// lines of `viaduct demo`. Functions without state; the caller owns what it starts until it has been reaped. Any
// thread.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace viaduct::os {

struct ChildSetup {
  std::vector<std::string> command;      // the program's path and its arguments; at least the path
  std::vector<std::string> environment;  // NAME=VALUE, beside ours
  std::vector<std::string> without;      // names of our environment that it does not get
  std::vector<int> descriptors;          // open in it under the same numbers; all others but 0, 1, 2 are closed there
  int output = -1;  // where it writes output and errors, with nothing to read; -1: it has our standard streams
  bool leads_group =
      false;  // it and what it starts are one process group, which has its number and is ended as a whole
};

// Starts a program with the signals of a fresh process, since ours blocks and ignores some, in our directory. The error
// says why it cannot be. REQUIRES: everything of ours that is not for it is close-on-exec.
base::Result<pid_t> start_child(const ChildSetup& setup);

// How a child has ended.
struct ChildEnd {
  bool has_ended = false;
  // "exit status 1", "signal 11"; empty while it runs.
  std::string text;
};
// Looks whether `pid` has ended and gives its number back if so; never waits.
ChildEnd reap_child(pid_t pid);
// Ends `pid` by SIGKILL and waits for its end, which then takes no time.
void kill_child(pid_t pid);

// The file of this program as whoever starts it anew will find it: by the path that it was started with, or where that
// names none, the one that the kernel remembers. A newer program may lie there by now.
std::string own_executable();

}  // namespace viaduct::os

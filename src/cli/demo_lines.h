// SPDX-License-Identifier: Apache-2.0
// The lines that `viaduct demo` prints to try: commands for a shell that work as printed, and what each of them must
// show. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "cli/demo_ports.h"

namespace viaduct::cli {

struct DemoLine {
  std::string title;    // what it shows, in one sentence
  std::string command;  // may go on in further lines of text, by a backslash at the end
  // Texts that its output must hold, whatever the case of letters.
  std::vector<std::string> expected;
  // What it shows comes a little later by itself: it is to be tried again for a while.
  bool is_awaited = false;
};

struct DemoLineSetup {
  std::string directory;  // of the demo, absolute
  DemoPorts ports;
  std::string program;          // how viaduct is called
  std::string notice_sha256;    // of the file that is posted
  bool bypasses_proxy = false;  // the environment names a proxy, which curl would ask
};

std::vector<DemoLine> demo_lines(const DemoLineSetup& setup);

}  // namespace viaduct::cli

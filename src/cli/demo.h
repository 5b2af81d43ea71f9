// SPDX-License-Identifier: Apache-2.0
// `viaduct demo`: the daemon with a scene of its own, made for this one run. Two sample upstreams inside the process, a
// temporary certificate, pages and a config on high ports of 127.0.0.1, then lines to try with what they give. Ends by
// INT or TERM and leaves nothing behind. Main thread.
#pragma once

#include <cstdio>
#include <string>

#include "cli/demo_ports.h"

namespace viaduct::cli {

struct DemoOptions {
  DemoPorts ports;          // other ones are taken where these are not free
  bool once = false;        // end after the lines
  std::string program;      // how the printed lines call viaduct
  std::FILE* out = stdout;  // what is printed goes here
};

// Runs a demo to its end and returns the exit code: with `once` it is kDone only if all lines gave what they must.
int run_demo(const DemoOptions& options);

}  // namespace viaduct::cli

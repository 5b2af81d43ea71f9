// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "os/process.h"
#include "tls/record_memory.h"

int main(int argc, char** argv) {
  // First of all: whatever is opened before would get the number of a stream that is closed, and be written to.
  if (!viaduct::os::open_standard_streams()) return viaduct::cli::kFailed;
  viaduct::tls::keep_record_memory();  // where it cannot be, OpenSSL does without
  return viaduct::cli::run_command_line(argc, argv);
}

// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "tls/record_memory.h"

int main(int argc, char** argv) {
  viaduct::tls::keep_record_memory();  // where it cannot be, OpenSSL does without
  return viaduct::cli::run_command_line(argc, argv);
}

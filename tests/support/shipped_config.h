// SPDX-License-Identifier: Apache-2.0
// conf/viaduct.yaml as an operator has it: in a directory with the certificates, the secret and the log directories
// that it names, whose absolute paths are moved below that directory, and with a user that every machine has.
#pragma once

#include <string>

#include "support/temporary_directory.h"

namespace viaduct::support {

// Copies conf/ into `directory`, puts there what it wants, and returns the path of the config file.
std::string install_shipped_config(const TemporaryDirectory& directory);

}  // namespace viaduct::support

// SPDX-License-Identifier: Apache-2.0
// Confines the process to the system calls that serving needs (seccomp(2), by libseccomp): whoever gets code to run in
// it can start no program, trace nothing and change neither users nor mounts. The main thread, after everything is
// open.
#pragma once

#include "base/error.h"

namespace viaduct::os {

// From now on every other system call fails with EPERM, in all threads, for good. Fails where the kernel has no
// seccomp.
base::Result<void> confine_system_calls();

}  // namespace viaduct::os

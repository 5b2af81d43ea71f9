// SPDX-License-Identifier: Apache-2.0
// The user that the daemon becomes (`process.user`) when everything that wants root's rights is open: ports, logs, the
// admin socket, certificates. What has to be opened anew later must be that user's: it is given to it, or, where only
// the operator can say so, told. Main thread, before there are others.
#pragma once

#include "base/error.h"
#include "config/types.h"

namespace viaduct::daemon {

// Becomes the user of `config` for good; nothing where it names none, or the one that we are. Gives it the log files
// and the admin socket, and warns of keys that it cannot read when they are renewed, and of directories in which it
// cannot make a log anew. An error says what stands in the way; then the process must end.
base::Result<void> become_user(const config::Config& config);

}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
#include "os/fd.h"

#include <fcntl.h>
#include <unistd.h>

namespace viaduct::os {

void Fd::reset() {
  // Whatever close(2) says, EINTR included, the descriptor is gone on Linux; calling it again could close another's.
  if (descriptor_ != -1) ::close(release());
}

Fd Fd::duplicate() const {
  return Fd(::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0));
}

}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
// Opens the listening sockets of one address, one for each worker, and puts the access log's part of a config into the
// words of its writer. Cold path; main thread.
#pragma once

#include <vector>

#include "base/error.h"
#include "base/ip.h"
#include "config/types.h"
#include "observe/access_log.h"
#include "os/fd.h"

namespace viaduct::daemon {

// Who may have bound an address, or one that covers it, before.
enum class Sharing : std::uint8_t {
  kNobody,     // another process that listens there is an error, also where the kernel would let us share it
  kOurselves,  // "0.0.0.0:80" is ours and "127.0.0.1:80" is to be opened beside it
};

// Opens `address` for `workers` workers. Port 0 becomes a free port, the same for all. The error names the address;
// then nothing stays open.
base::Result<std::vector<os::Fd>> open_sockets(const base::SocketAddress& wanted, std::size_t workers, Sharing sharing);

// Duplicates sockets, at least one, in turn until there are as many as workers.
void share_sockets(std::vector<os::Fd>& sockets, std::size_t workers);

// The access log's options in the words of observe/.
observe::AccessLogOptions access_log_options(const config::AccessLog& log);

}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
// Opens the listening sockets of a config, one set for each worker, before any worker starts, and says whether two
// configs listen alike. Cold path; main thread.
#pragma once

#include <vector>

#include "base/error.h"
#include "config/types.h"
#include "daemon/worker.h"
#include "observe/access_log.h"

namespace viaduct::daemon {

struct OpenedListeners {
  std::vector<std::vector<WorkerListener>> by_worker;
  // As bound, in the order of the config; beside it whether TLS is spoken there.
  std::vector<base::SocketAddress> addresses;
  std::vector<bool> is_tls;
};

// Opens every address of every listener for `workers` workers. Port 0 becomes a free port, the same for all workers.
// The error names the address; then nothing stays open. An address on which another process listens is an error also
// where the kernel would let us share it.
base::Result<OpenedListeners> open_listeners(const std::vector<config::Listener>& listeners, std::size_t workers);

// Whether two configs listen alike, so that a reload changes nothing about sockets.
bool is_same_listening(const std::vector<config::Listener>& before, const std::vector<config::Listener>& after);

// The access log's options in the words of observe/.
observe::AccessLogOptions access_log_options(const config::AccessLog& log);

}  // namespace viaduct::daemon

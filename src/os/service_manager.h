// SPDX-License-Identifier: Apache-2.0
// What this process and systemd say to each other (sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3)). All of it
// does nothing where nobody has started us that listens. Functions without state; main thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "os/fd.h"

namespace viaduct::os {

// The process serves: after its start, and after a reload. `status` is one line that `systemctl status` shows.
void notify_ready(const std::string& status);
// A reload has begun; notify_ready() tells that it is over.
void notify_reloading();
void notify_stopping(const std::string& status);
// Process `pid` takes this one's place.
void notify_successor(pid_t pid);
// This process turns; to be said within watchdog_interval(), time and again.
void feed_watchdog();

// How long systemd waits for feed_watchdog() before it takes this process for dead; absent: it does not.
std::optional<base::Duration> watchdog_interval();

// The listening sockets that systemd has opened for this process (socket units), non-blocking and close-on-exec. The
// environment forgets them, so that this is told once.
std::vector<Fd> take_activated_sockets();

}  // namespace viaduct::os

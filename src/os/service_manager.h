// SPDX-License-Identifier: Apache-2.0
// What this process and systemd say to each other (sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3)). All of it
// does nothing where nobody has started us that listens. Functions without state; main thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "os/fd.h"

namespace viaduct::os {

// Whether somebody has started us that listens.
bool has_service_manager();

// The process serves: after its start, and after a reload. `status` is one line that `systemctl status` shows.
void notify_ready(const std::string& status);
// The line alone.
void notify_status(const std::string& status);
// A reload has begun; notify_ready() tells that it is over.
void notify_reloading();
void notify_stopping(const std::string& status);
// Process `pid` takes this one's place.
void notify_successor(pid_t pid);
// This process turns; to be said within watchdog_interval(), time and again.
void feed_watchdog();

// How long systemd waits for feed_watchdog() before it takes this process for dead; absent: it does not.
std::optional<base::Duration> watchdog_interval();

// A listening socket that systemd has given to this process: one of a socket unit, or one that it has stored.
struct GivenSocket {
  Fd fd;             // non-blocking and close-on-exec; empty: what was given under this name listens no more
  std::string name;  // FileDescriptorName= of the unit, or as store_sockets() said
};
// All that this process was started with. The environment forgets them, so that this is told once.
std::vector<GivenSocket> take_given_sockets();

// How many descriptors a message to systemd carries; it takes 253 (SCM_MAX_FD).
inline constexpr std::size_t kStoredAtOnce = 128;
// A name in systemd's store has at most so many bytes, all of them printable ASCII but ':' (FDNAME= in sd_notify(3)).
inline constexpr std::size_t kStoredNameBytesMax = 255;
// Lets systemd keep duplicates of `sockets` under `name`, as many as FileDescriptorStoreMax= of the unit allows, and
// give them to the process that is started when this one has ended. What it has already is not kept twice.
void store_sockets(const std::string& name, std::span<const int> sockets);
// It closes all that it keeps under `name`.
void forget_sockets(const std::string& name);

}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
// What the process asks of the system about itself: signals as something to read, limits, cores, privileges, names of
// threads. Called by the main thread while it starts, before there are others, unless a function says otherwise.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "os/fd.h"

namespace viaduct::os {

// Signals that are read from a descriptor (signalfd(2)) by an event loop instead of interrupting threads.
class SignalReader {
 public:
  // Blocks `signals` for this thread and all that it starts later, and makes them readable.
  static base::Result<SignalReader> open(std::span<const int> signals);

  // Readable while a signal waits.
  int descriptor() const { return fd_.get(); }
  // The next signal that waits, 0 when there is none. Equal signals that came together are one.
  int take();

 private:
  explicit SignalReader(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

// Lets `signals` wait until somebody reads them (SignalReader), for this thread and all that it starts later.
base::Result<void> block_signals(std::span<const int> signals);

// Makes writing to a closed connection (SIGPIPE) and past a file size limit (SIGXFSZ) an error of the call instead of
// the end of the process.
void ignore_write_signals();

// Opens /dev/null for each of descriptors 0, 1 and 2 that is closed; otherwise the first socket would get its number,
// and log lines would go to a client. To be called before anything else that opens descriptors.
base::Result<void> open_standard_streams();

// Raises the number of descriptors that may be open to the hard limit and returns it.
base::Result<std::uint64_t> raise_descriptor_limit();

// The cores that this process may run on, at least 1.
unsigned usable_cores();

// Names the calling thread for ps, top and debuggers. Longer names are cut to 15 bytes, which is Linux's limit.
void name_thread(std::string_view name);

// Lets all other threads of the machine go before the calling one, as far as the system allows that.
void lower_thread_priority();

// Gives free memory of the heap back to the system: behind work that needed much more than what stays. Takes locks and
// milliseconds; any thread.
void release_free_memory();

// Whether this process is `user` already. An error says that there is no such user.
base::Result<bool> is_user(const std::string& user);

// Makes the file, directory or socket at `path` the user's and its group's; nothing where there is none. REQUIRES: we
// are root.
base::Result<void> give_file(const std::string& path, const std::string& user);

// Keeps the kernel from writing this process's memory to disk after a crash, and users other than root from looking at
// it: secrets are in it. To be called behind a change of the user, which may allow both again.
void forbid_core_dumps();

// Becomes `user`, with its group and supplementary groups, for good. Without effect when we are that user already. An
// error says what is missing; then the process must end, since it may stand in the middle.
base::Result<void> drop_privileges(const std::string& user);

}  // namespace viaduct::os

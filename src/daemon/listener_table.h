// SPDX-License-Identifier: Apache-2.0
// Which listeners the process has: their addresses, options, and the sockets of all workers. The main thread's; the
// sockets themselves belong to the workers, which close one only when this table has said so. A change is made in two
// steps, so that a reload can open what is new before it publishes anything: prepare(), which may fail and then leaves
// everything as it was, and commit(). The same two steps start the process.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "config/types.h"
#include "daemon/listening.h"
#include "os/socket.h"

namespace viaduct::daemon {

// A listening socket that the process was given when it was started: by the one before it, or by systemd.
struct InheritedListener {
  base::SocketAddress wanted;  // as the config said; the one that it is bound to where nobody knows
  base::SocketAddress local;
  std::vector<os::Fd> sockets;  // at least one
  // Systemd has kept it for a process that has ended: nobody serves it, and no socket unit has it.
  bool is_stored = false;
  std::optional<os::SocketFile> file{};  // as in BoundListener
};

// Files of Unix sockets that a change has made: they go with this object, unless they are kept.
class NewFiles {
 public:
  NewFiles() = default;
  NewFiles(NewFiles&& other) noexcept : paths_(std::exchange(other.paths_, {})) {}
  NewFiles& operator=(NewFiles&& other) noexcept {
    std::swap(paths_, other.paths_);
    return *this;
  }
  ~NewFiles();

  void add(std::string path) { paths_.push_back(std::move(path)); }
  void keep() { paths_.clear(); }

 private:
  std::vector<std::string> paths_;
};

// One row of the table.
struct BoundListener {
  std::uint32_t number = 0;
  base::SocketAddress wanted;  // as the config says it: its port may be 0
  base::SocketAddress local;
  ListenerOptions options;
  std::vector<int> sockets;  // of all workers
  // That of a Unix socket, where it goes with the process that serves last: we have made it, and not systemd.
  std::optional<os::SocketFile> file{};
};

class ListenerTable {
 public:
  // A change that is ready. Dropping it closes what it opened, and removes the files of that.
  struct Change {
    std::vector<BoundListener> rows;                     // in the order of the config
    std::vector<std::vector<WorkerListener>> by_worker;  // the whole list, with the sockets that are new
    std::vector<std::string> lines;                      // what changes, for the operator
    NewFiles new_files;                                  // of Unix sockets that begin; commit() keeps them
  };

  explicit ListenerTable(std::size_t workers) : workers_(workers) {}

  // Opens what `wanted` has and the table has not; takes what fits from `inherited` instead, where it can. The error
  // names the address.
  base::Result<Change> prepare(const std::vector<config::Listener>& wanted, std::vector<InheritedListener>& inherited);
  base::Result<Change> prepare(const std::vector<config::Listener>& wanted);
  // Makes `change`, the last that was prepared, the present state, removes the files of Unix sockets that end, and
  // returns what each worker must be given.
  std::vector<std::vector<WorkerListener>> commit(Change change);

  // Removes the files of Unix sockets that go with this process, unless others have put theirs there. REQUIRES: the
  // sockets are open yet.
  void remove_files() const;

  const std::vector<BoundListener>& rows() const { return rows_; }
  // Where the listeners are bound, in the order of the config.
  std::vector<base::SocketAddress> addresses() const;

 private:
  struct Wanted;

  const BoundListener* find_kept(const Wanted& wanted, const std::vector<BoundListener>& chosen, int round) const;
  bool is_covered(const base::SocketAddress& address, const std::vector<InheritedListener>& inherited) const;
  // Gives `row` the sockets that it wants and its file, which is noted in `new_files` where it is made now.
  base::Result<std::vector<os::Fd>> open(BoundListener& row, NewFiles& new_files,
                                         std::vector<InheritedListener>& inherited);
  void add_missing(const base::SocketAddress& local, std::vector<os::Fd>& sockets) const;
  static void describe(const std::vector<BoundListener>& before, Change& change);

  std::size_t workers_;
  std::uint32_t last_number_ = 0;
  std::vector<BoundListener> rows_;
};

}  // namespace viaduct::daemon

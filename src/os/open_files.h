// SPDX-License-Identifier: Apache-2.0
// Files that are being sent, each with one descriptor however many answers send it: else a client could ask for one
// large file on hundreds of streams, read none of them, and use up the descriptors of the process. Owned by a worker,
// used in its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>

#include "os/fd.h"
#include "os/file.h"

namespace viaduct::os {

class OpenFiles {
  struct Entry;

 public:
  // One user of a descriptor, which is closed with the last of them. Must go before its OpenFiles.
  class Handle {
   public:
    Handle() = default;
    ~Handle() { reset(); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    Handle(Handle&& other) noexcept
        : files_(std::exchange(other.files_, nullptr)), entry_(std::exchange(other.entry_, nullptr)) {}
    Handle& operator=(Handle&& other) noexcept {
      std::swap(files_, other.files_);
      std::swap(entry_, other.entry_);
      return *this;
    }

    explicit operator bool() const { return entry_ != nullptr; }
    // For read_chunks() and the like, which leave its position alone. REQUIRES: not empty.
    int get() const;
    void reset();

   private:
    friend class OpenFiles;

    Handle(OpenFiles& files, Entry& entry) : files_(&files), entry_(&entry) {}

    OpenFiles* files_ = nullptr;
    Entry* entry_ = nullptr;  // null: empty
  };

  OpenFiles() = default;
  ~OpenFiles();
  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

  // A user of `file`: of the descriptor that is open already where one is of the very same file with the same content,
  // else of its own. What has come to stand at the same path, or was written since, is another file.
  // REQUIRES: file.fd.
  Handle share(OpenedFile file);

  // Descriptors that are open.
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Fd fd;
    FileStatus status;
    std::size_t users = 0;
  };
  struct StatusHash {
    std::size_t operator()(const FileStatus& status) const {
      return static_cast<std::size_t>(status.inode * 31 + status.device);
    }
  };

  // By what they are. As long as a descriptor is open, no other file gets its inode.
  std::unordered_map<FileStatus, Entry, StatusHash> entries_;
};

}  // namespace viaduct::os

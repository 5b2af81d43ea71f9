// SPDX-License-Identifier: Apache-2.0
// Files, opened safely. A RootDirectory is the root of a static route: no path, however spelled and whatever symbolic
// links lie below, opens anything outside (openat2(2) with RESOLVE_BENEATH). Only regular files and directories open; a
// FIFO or a device neither opens nor blocks. Blocking calls, for local disks. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "os/fd.h"

namespace viaduct::os {

// An open regular file or directory and what fstat(2) said of it.
struct OpenedFile {
  Fd fd;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;  // since 1970-01-01 UTC
  std::uint64_t inode = 0;
  bool is_directory = false;
};

class RootDirectory {
 public:
  // How paths are kept below the root.
  enum class Lookup : std::uint8_t {
    // By the kernel where it can, else kWalk (before Linux 5.6, or forbidden by a container's seccomp filter).
    kBest,
    // Component by component, following no symbolic link at all.
    kWalk,
  };

  // Opens the directory `path`, which may be a symbolic link itself. An error names it.
  static base::Result<RootDirectory> open(const std::string& path, Lookup lookup = Lookup::kBest);

  // Opens `relative` for reading; "" and "." are the root. The code of an error says why not:
  //   ENOENT, ENOTDIR, ENAMETOOLONG  there is no such file
  //   EXDEV                          it lies outside: a "..", an absolute path, a link that leads out
  //   ELOOP                          symbolic links in a circle (kWalk: any)
  //   EACCES, EPERM                  we may not read it
  //   EINVAL                         a NUL in the path, or neither a regular file nor a directory
  base::Result<OpenedFile> open_file(std::string_view relative) const;

 private:
  RootDirectory(Fd fd, Lookup lookup) : fd_(std::move(fd)), lookup_(lookup) {}

  // Both give a descriptor, or -1 with errno.
  int open_by_kernel(const std::string& relative) const;
  int open_by_walk(const std::string& relative) const;

  Fd fd_;  // O_PATH
  Lookup lookup_;
};

// Reads at `offset` as much as `out` holds, less only at the end of the file. An error names no file: the caller does.
base::Result<std::size_t> read_at(int descriptor, std::span<char> out, std::uint64_t offset);

// All bytes of a regular file, which may be `bytes_max` long. An error names the file, and the limit where it is
// larger.
base::Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
// Files, opened safely. A RootDirectory is the root of a static route: no path, however spelled and whatever symbolic
// links lie below, opens anything outside (openat2(2) with RESOLVE_BENEATH). Only regular files and directories open; a
// FIFO or a device neither opens nor blocks. Blocking calls, for local disks. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "base/error.h"
#include "os/fd.h"

namespace viaduct::os {

// What stat(2) says of a regular file or a directory. Two that are equal are of the same file, with the same content as
// far as the system can tell: for changes within one tick of its clock see os/file_cache.h.
struct FileStatus {
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;  // since 1970-01-01 UTC, as all who may write the file please
  std::int64_t ctime_ns = 0;  // the same for the last change of content, name or rights, set by the system alone
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool is_directory = false;

  bool operator==(const FileStatus&) const = default;
};

// An open regular file or directory.
struct OpenedFile : FileStatus {
  Fd fd;
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
  // It is the number of the error alone, since a request for what is not there is no failure of ours.
  std::expected<OpenedFile, int> open_file(std::string_view relative) const;
  // What `relative` would open now, without opening it, or the number of the error. Follows symbolic links wherever
  // they lead: it tells whether what open_file() found is still there, and nothing else.
  // REQUIRES: open_file() took `relative`.
  std::expected<FileStatus, int> examine(const std::string& relative) const;
  // The directory itself, as it was opened: device and inode tell it from all others.
  const FileStatus& status() const { return status_; }

 private:
  RootDirectory(Fd fd, const FileStatus& status, Lookup lookup)
      : fd_(std::move(fd)), status_(status), lookup_(lookup) {}

  // Both give a descriptor, or -1 with errno.
  int open_by_kernel(const char* relative) const;
  int open_by_walk(const std::string& relative) const;

  Fd fd_;  // O_PATH
  FileStatus status_;
  Lookup lookup_;
};

// Reads at `offset` as much as `out` holds, less only at the end of the file. An error names no file: the caller does.
base::Result<std::size_t> read_at(int descriptor, std::span<char> out, std::uint64_t offset);

// Appends up to `bytes` that lie at `offset` to `into`, as many as one system call and kReadChunksMax chunks hold; none
// at the end of the file. An error names no file.
constexpr std::size_t kReadChunksMax = 8;  // 128 KiB
base::Result<std::size_t> read_chunks(int descriptor, base::Buffer& into, std::size_t bytes, std::uint64_t offset);

// What stat(2) says of a regular file or a directory, links followed; EINVAL where it is neither.
std::expected<FileStatus, int> examine_path(const std::string& path);

// What fstat(2) says of an open regular file or directory; EINVAL where it is neither.
std::expected<FileStatus, int> examine_open(int descriptor);

// All bytes of a regular file, which may be `bytes_max` long. An error names the file, and the limit where it is
// larger.
base::Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace viaduct::os

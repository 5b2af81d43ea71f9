// SPDX-License-Identifier: Apache-2.0
// How a set of files looked at one moment (times of change, size, inode), to notice that one was replaced or rewritten,
// or that its rights have changed.
// Asking costs one stat(2) a file and reads nothing. Owned by the thread that polls.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace viaduct::tls {

class FileStamps {
 public:
  FileStamps() = default;

  // Notes how `path` looks now. A file that is missing is noted as missing.
  void add(const std::string& path);
  // Takes over what `others` noted.
  void add(const FileStamps& others);
  // True when a file looks different now, was removed, or has come.
  bool changed() const;
  bool empty() const { return entries_.empty(); }

 private:
  struct Look {
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;  // also by chmod(2) and chown(2)
    std::int64_t size = -1;       // -1: missing
    std::uint64_t inode = 0;
    bool operator==(const Look&) const = default;
  };
  struct Entry {
    std::string path;
    Look look;
  };

  static Look look_at(const std::string& path);

  std::vector<Entry> entries_;
};

}  // namespace viaduct::tls

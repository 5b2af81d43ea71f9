// SPDX-License-Identifier: Apache-2.0
// A directory of its own for one test, removed with all that is in it when the test ends. Also the few things that
// tests do with files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace viaduct::support {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  // Without a slash at its end.
  const std::string& path() const { return path_; }
  // The path of `name` in this directory.
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  // Makes a file (and the folders above it) with these bytes and returns its path.
  std::string write(std::string_view name, std::string_view bytes) const;

 private:
  std::string path_;
};

// All bytes of a file; a failure of the test, and empty, where it cannot be read.
std::string file_bytes(const std::string& path);

}  // namespace viaduct::support

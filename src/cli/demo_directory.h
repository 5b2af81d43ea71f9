// SPDX-License-Identifier: Apache-2.0
// The temporary directory of one `viaduct demo`: everything that the demo writes lies in it, nobody else may look into
// it, and it goes with the object. One thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace viaduct::cli {

class DemoDirectory {
 public:
  // Makes a new directory where temporary files belong (TMPDIR, or the system's place).
  static base::Result<std::unique_ptr<DemoDirectory>> make();
  // For make() alone.
  explicit DemoDirectory(std::string path) : path_(std::move(path)) {}
  // Removes the directory with all that is in it.
  ~DemoDirectory();
  DemoDirectory(const DemoDirectory&) = delete;
  DemoDirectory& operator=(const DemoDirectory&) = delete;

  // Absolute, without a slash at its end.
  const std::string& path() const { return path_; }
  // Makes the file `name`, and the folders above it, with these bytes. The error names the file.
  base::Result<void> write(std::string_view name, std::string_view bytes) const;

 private:
  std::string path_;
};

}  // namespace viaduct::cli

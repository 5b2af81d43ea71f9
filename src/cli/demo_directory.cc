// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_directory.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/format.h"

namespace viaduct::cli {

base::Result<std::unique_ptr<DemoDirectory>> DemoDirectory::make() {
  std::error_code error;
  std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  if (!error) parent = std::filesystem::absolute(parent, error);
  if (error) return base::fail("TMPDIR does not name a directory (" + error.message() + "); set it, or unset it");
  std::string path = (parent / "viaduct-demo-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) {
    return base::fail_errno(base::format("cannot make a directory in {}", parent.string()), errno);
  }
  return std::make_unique<DemoDirectory>(std::move(path));
}

DemoDirectory::~DemoDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

base::Result<void> DemoDirectory::write(std::string_view name, std::string_view bytes) const {
  const std::filesystem::path path = std::filesystem::path(path_) / name;
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return base::fail("cannot write " + path.string());
  return {};
}

}  // namespace viaduct::cli

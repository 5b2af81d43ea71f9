// SPDX-License-Identifier: Apache-2.0
#include "tls/file_stamps.h"

#include <sys/stat.h>

#include <algorithm>

namespace viaduct::tls {

void FileStamps::add(const std::string& path) {
  entries_.push_back({.path = path, .look = look_at(path)});
}

bool FileStamps::changed() const {
  return std::ranges::any_of(entries_, [](const Entry& entry) { return look_at(entry.path) != entry.look; });
}

FileStamps::Look FileStamps::look_at(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == -1) return {};
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  return {.modified_ns = status.st_mtim.tv_sec * kNanosecondsPerSecond + status.st_mtim.tv_nsec,
          .size = status.st_size,
          .inode = status.st_ino};
}

}  // namespace viaduct::tls

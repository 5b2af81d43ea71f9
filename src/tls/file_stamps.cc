// SPDX-License-Identifier: Apache-2.0
#include "tls/file_stamps.h"

#include <sys/stat.h>

#include <algorithm>

namespace viaduct::tls {

namespace {

std::int64_t nanoseconds(const timespec& time) {
  constexpr std::int64_t kPerSecond = 1'000'000'000;
  return time.tv_sec * kPerSecond + time.tv_nsec;
}

}  // namespace

void FileStamps::add(const std::string& path) {
  entries_.push_back({.path = path, .look = look_at(path)});
}

void FileStamps::add(const FileStamps& others) {
  entries_.insert(entries_.end(), others.entries_.begin(), others.entries_.end());
}

bool FileStamps::changed() const {
  return std::ranges::any_of(entries_, [](const Entry& entry) { return look_at(entry.path) != entry.look; });
}

FileStamps::Look FileStamps::look_at(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == -1) return {};
  return {.modified_ns = nanoseconds(status.st_mtim),
          .changed_ns = nanoseconds(status.st_ctim),
          .size = status.st_size,
          .inode = status.st_ino};
}

}  // namespace viaduct::tls

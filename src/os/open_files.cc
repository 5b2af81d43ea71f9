// SPDX-License-Identifier: Apache-2.0
#include "os/open_files.h"

#include "base/check.h"

namespace viaduct::os {

int OpenFiles::Handle::get() const {
  return entry_->fd.get();
}

void OpenFiles::Handle::reset() {
  Entry* entry = std::exchange(entry_, nullptr);
  OpenFiles* files = std::exchange(files_, nullptr);
  if (entry == nullptr || --entry->users > 0) return;
  const FileStatus status = entry->status;
  files->entries_.erase(status);
}

OpenFiles::~OpenFiles() {
  CHECK(entries_.empty());
}

OpenFiles::Handle OpenFiles::share(OpenedFile file) {
  const FileStatus& status = file;
  const auto [at, is_new] = entries_.try_emplace(status);
  Entry& entry = at->second;
  if (is_new) {
    entry.fd = std::move(file.fd);
    entry.status = status;
  }
  ++entry.users;
  return {*this, entry};
}

}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
#include "os/file_cache.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace viaduct::os {
namespace {

// The texts that a key is made of: the root's device and inode, then the path.
class Key {
 public:
  // REQUIRES: path.size() <= FileCache::kPathBytesMax.
  Key(const FileStatus& root, std::string_view path) : size_(2 * sizeof(std::uint64_t) + path.size()) {
    std::memcpy(bytes_.data(), &root.device, sizeof root.device);
    std::memcpy(bytes_.data() + sizeof root.device, &root.inode, sizeof root.inode);
    std::ranges::copy(path, bytes_.data() + size_ - path.size());
  }

  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 2 * sizeof(std::uint64_t) + FileCache::kPathBytesMax> bytes_;
  std::size_t size_;
};

bool is_same_directory(const FileStatus& left, const FileStatus& right) {
  return left.device == right.device && left.inode == right.inode;
}

// Only these say the same for open_file() and for examine(); a link that leads out, say, is there for one of them.
bool is_absence(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR;
}

}  // namespace

void FileCache::Form::load(int descriptor) {
  if (error != 0 || is_loaded() || status.size > kFileBytesMax) return;
  content.clear();
  const auto got = read_chunks(descriptor, content, status.size, 0);
  const bool is_whole = got.has_value() && is_loaded() && examine_open(descriptor) == status;
  if (!is_whole) content.clear();
}

const RootDirectory& FileCache::newest_root(const RootDirectory& opened, const std::string& path, base::MonoTime now) {
  const auto [at, is_new] = roots_.try_emplace(path);
  Root& root = at->second;
  root.used = now;
  if (is_new) root.seen = opened.status();
  if (is_new || now - root.looked >= kRootLookInterval) {
    root.looked = now;
    look(root, opened, path);
  }
  return root.opened && !is_same_directory(root.seen, opened.status()) ? *root.opened : opened;
}

// Where nothing can be opened, as between the two steps of a deployment, what was there before stays in use.
void FileCache::look(Root& root, const RootDirectory& opened, const std::string& path) {
  const auto status = examine_path(path);
  if (!status || !status->is_directory) return;
  const bool is_known =
      is_same_directory(*status, opened.status()) || (root.opened && is_same_directory(*status, root.opened->status()));
  if (!is_known) {
    auto newer = RootDirectory::open(path);
    if (!newer) return;
    LOG_INFO("static_root_changed root={}", base::quoted(path));
    root.opened = std::move(*newer);
    root.seen = root.opened->status();
    return;
  }
  root.seen = *status;
}

FileCache::Forms FileCache::no_forms() const {
  Forms forms{Form(chunks_), Form(chunks_), Form(chunks_)};
  for (Form& form : forms) form.error = ENOENT;
  return forms;
}

FileCache::Forms* FileCache::find(const RootDirectory& root, std::string_view path, const Moment& moment) {
  found_ = nullptr;
  if (path.size() > kPathBytesMax) return nullptr;
  const auto at = entries_.find(Key(root.status(), path).view());
  if (at == entries_.end()) return nullptr;
  Entry& entry = at->second;
  const bool is_true =
      moment.now - entry.opened < kLifetime && (entry.compared == moment.reads || is_present(root, entry));
  if (!is_true) {
    drop(entry);
    return nullptr;
  }
  entry.compared = moment.reads;
  entry.used = moment.now;
  entry.unlink();
  by_use_.push_front(entry);
  found_ = &entry;
  return &entry.forms;
}

bool FileCache::is_present(const RootDirectory& root, const Entry& entry) {
  const std::size_t count = entry.forms.front().status.is_directory ? 1 : entry.forms.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Form& form = entry.forms[i];
    const auto now = root.examine(entry.paths[i]);
    const bool is_same =
        now.has_value() ? form.error == 0 && *now == form.status : is_absence(now.error()) && form.error != 0;
    if (!is_same) return false;
  }
  return true;
}

bool FileCache::accepts(const Forms& forms, const Moment& moment) {
  const std::int64_t settled = (moment.wall_now - kSettledAfter).time_since_epoch().count();
  return forms.front().error == 0 && std::ranges::all_of(forms, [settled](const Form& form) {
           return form.error == 0 ? form.status.ctime_ns < settled : is_absence(form.error);
         });
}

void FileCache::keep(const RootDirectory& root, std::string_view path, Forms forms, const Moment& moment) {
  found_ = nullptr;
  if (path.size() > kPathBytesMax) return;
  const Key key(root.status(), path);
  if (const auto at = entries_.find(key.view()); at != entries_.end()) drop(at->second);
  while (entries_.size() >= kFilesMax) drop(by_use_.back());
  const auto [at, is_new] = entries_.try_emplace(std::string(key.view()), std::move(forms));
  Entry& entry = at->second;
  entry.key = at->first;
  for (std::size_t i = 0; i < kSuffixes.size(); ++i)
    entry.paths[i].append(path.empty() ? "." : path).append(kSuffixes[i]);
  entry.opened = entry.used = moment.now;
  entry.compared = moment.reads;
  by_use_.push_front(entry);
  count(entry);
}

void FileCache::loaded() {
  if (found_ != nullptr) count(*found_);
  found_ = nullptr;
}

void FileCache::drop_found() {
  if (found_ != nullptr) drop(*found_);
  found_ = nullptr;
}

void FileCache::count(Entry& entry) {
  std::size_t bytes = 0;
  for (const Form& form : entry.forms) {
    form.content.for_each([&bytes](std::string_view) { bytes += base::Chunk::kBytes; });
  }
  content_bytes_ += bytes - entry.content_bytes;
  entry.content_bytes = bytes;
  // One entry alone is smaller than what all may take, so the new one stays.
  while (content_bytes_ > kContentBytesMax) drop(by_use_.back());
}

void FileCache::drop(Entry& entry) {
  content_bytes_ -= entry.content_bytes;
  const auto at = entries_.find(entry.key);
  CHECK(at != entries_.end());
  entries_.erase(at);  // which leaves by_use_ as well
}

void FileCache::sweep(base::MonoTime now) {
  found_ = nullptr;
  while (!by_use_.empty() && now - by_use_.back().used > kIdleMax) drop(by_use_.back());
  std::erase_if(roots_, [now](const auto& root) { return now - root.second.used > kIdleMax; });
}

}  // namespace viaduct::os

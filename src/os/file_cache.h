// SPDX-License-Identifier: Apache-2.0
// Files that were asked for a moment ago: what they are and what small ones hold, so that a request for one of them
// costs neither open(2) nor read(2). Nothing stale is given out: an entry is compared with the file system once for
// each batch of requests, after they have come, and again opened below its root when it is a second old
// (docs/adr/0016). Holds no descriptor of its own; those of longer files, while they are sent, are in open_files().
// Owned by a worker, used in its thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/buffer.h"
#include "base/hash.h"
#include "base/intrusive_list.h"
#include "base/time.h"
#include "os/file.h"
#include "os/open_files.h"

namespace viaduct::os {

class FileCache {
 public:
  // Entries, which is also how often kContentBytesMax could be needed.
  static constexpr std::size_t kFilesMax = 512;
  // The longest path below a root that is kept.
  static constexpr std::size_t kPathBytesMax = 1024;
  // The longest content that is kept of one file. Reading a longer one costs little beside sending it.
  static constexpr std::size_t kFileBytesMax = 128 * 1024;
  // What all contents take, counted in whole chunks: 8 MiB a worker. Answers under way may hold what has left.
  static constexpr std::size_t kContentBytesMax = std::size_t{8} * 1024 * 1024;
  // After this time a file is opened anew: it bounds what examine() cannot see, which is a link that now leads out of
  // the root to the very same file, and writes through a mapping, which are dated only now and then.
  static constexpr base::Duration kLifetime = std::chrono::seconds(1);
  // A file that changed less than this ago is not kept: another change within the same tick of its file system's clock,
  // two seconds at the coarsest (FAT), would not show.
  static constexpr base::Duration kSettledAfter = std::chrono::seconds(3);
  // How often it is looked whether another directory has come to stand where a root was, as at a deployment that swaps
  // a symbolic link.
  static constexpr base::Duration kRootLookInterval = std::chrono::seconds(1);
  // Who was not asked for in this time leaves with the next sweep().
  static constexpr base::Duration kIdleMax = std::chrono::seconds(10);

  // A file and the same content in other codings beside it, by their suffixes.
  static constexpr std::array<std::string_view, 3> kSuffixes = {"", ".br", ".gz"};

  // One of them.
  struct Form {
    explicit Form(base::ChunkPool& chunks) : content(chunks) {}

    // The bytes are all in `content`.
    bool is_loaded() const { return content.size() == status.size; }
    // Loads what `descriptor` holds if it is still `status` and at most kFileBytesMax long; else leaves it unloaded.
    void load(int descriptor);

    FileStatus status;
    int error = 0;  // why there is no such file; 0: there is one
    base::Buffer content;
  };
  using Forms = std::array<Form, kSuffixes.size()>;

  // The time of a request. `reads` is Loop::reads(): while it stands still, an entry is compared but once.
  struct Moment {
    base::MonoTime now;
    base::WallTime wall_now;
    std::uint64_t reads = 0;
  };

  // `chunks` must outlive the cache.
  explicit FileCache(base::ChunkPool& chunks) : chunks_(chunks) {}
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;

  // The directory that stands at `path` now, kRootLookInterval ago at most: `opened` as long as it is that one, or
  // nothing else can be opened there. Valid until the next call or sweep().
  const RootDirectory& newest_root(const RootDirectory& opened, const std::string& path, base::MonoTime now);

  // Three forms that exist not.
  Forms no_forms() const;

  // What is known of `path` below `root` and true at this moment, or null. Valid until the next call; a form may be
  // loaded by the caller, who then says so by loaded(). Of a directory only the first form means anything.
  Forms* find(const RootDirectory& root, std::string_view path, const Moment& moment);
  // Whether `forms` may be kept: all of them have settled, and they are what examine() can tell again.
  static bool accepts(const Forms& forms, const Moment& moment);
  // Keeps `forms`, which were opened at this moment, in place of what was known. REQUIRES: accepts().
  void keep(const RootDirectory& root, std::string_view path, Forms forms, const Moment& moment);
  // The forms that find() gave have grown.
  void loaded();
  // The forms that find() gave have turned out to be wrong.
  void drop_found();

  // The files that are being sent from their descriptors.
  OpenFiles& open_files() { return open_files_; }

  // Forgets what nobody asks for any more. To be called now and then.
  void sweep(base::MonoTime now);

  // For tests: how many entries there are, and what their contents take.
  std::size_t size() const { return entries_.size(); }
  std::size_t content_bytes() const { return content_bytes_; }

 private:
  struct Entry : base::ListHook<Entry> {
    explicit Entry(Forms known) : forms(std::move(known)) {}

    Forms forms;
    std::array<std::string, kSuffixes.size()> paths;  // of the forms, below the root
    std::string_view key;                             // in entries_
    base::MonoTime opened;
    base::MonoTime used;
    std::uint64_t compared = 0;     // Moment::reads when the forms were last seen to be as they are
    std::size_t content_bytes = 0;  // counted for this entry
  };

  // What stands at the path of a root.
  struct Root {
    FileStatus seen;
    std::optional<RootDirectory> opened;  // where it is not what the snapshot has opened
    base::MonoTime looked;
    base::MonoTime used;
  };

  static void look(Root& root, const RootDirectory& opened, const std::string& path);
  static bool is_present(const RootDirectory& root, const Entry& entry);
  void drop(Entry& entry);
  void count(Entry& entry);

  base::ChunkPool& chunks_;
  OpenFiles open_files_;
  // By device and inode of the root, and the path.
  std::unordered_map<std::string, Entry, base::StringHash, std::equal_to<>> entries_;
  base::IntrusiveList<Entry, Entry> by_use_;  // the latest first
  std::size_t content_bytes_ = 0;
  Entry* found_ = nullptr;                       // by the last find()
  std::unordered_map<std::string, Root> roots_;  // by path; as many as the config has, and had a moment ago
};

}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
#include "os/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/format.h"

namespace viaduct::os {
namespace {

using base::fail;
using base::fail_errno;
using base::Result;

// O_NONBLOCK: a FIFO must not wait for its writer; for regular files it means nothing. O_NOCTTY: a terminal device must
// not become ours before fstat(2) has told what it is.
constexpr int kReadFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
// openat2(2) gives EAGAIN where a rename somewhere in the system made it unsure; it is asked again this often.
constexpr int kRenameRacesMax = 64;
// Files of /proc say that they are empty; they are read in steps of this and more.
constexpr std::size_t kReadBytesMin = 4096;

bool has_parent_component(std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (path.substr(0, end) == "..") return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

int openat2_beneath(int directory, const char* relative) {
  open_how how{};
  how.flags = kReadFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, directory, relative, &how, sizeof(how)));
}

std::int64_t nanoseconds_of(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::expected<FileStatus, int> describe(const struct stat& status) {
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return std::unexpected(EINVAL);
  return FileStatus{.size = static_cast<std::uint64_t>(status.st_size),
                    .mtime_ns = nanoseconds_of(status.st_mtim),
                    .ctime_ns = nanoseconds_of(status.st_ctim),
                    .device = status.st_dev,
                    .inode = status.st_ino,
                    .is_directory = S_ISDIR(status.st_mode)};
}

std::unexpected<int> refuse(int error_number) {
  return std::unexpected(error_number);
}

}  // namespace

Result<RootDirectory> RootDirectory::open(const std::string& path, Lookup lookup) {
  Fd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno(base::format("cannot open the directory {}", path), errno);
  if (lookup == Lookup::kBest) {
    // Whatever else it says, the call exists when it is none of these. A seccomp filter says EPERM.
    const Fd probe(openat2_beneath(fd.get(), "."));
    if (!probe && (errno == ENOSYS || errno == EPERM)) lookup = Lookup::kWalk;
  }
  const auto status = examine_open(fd.get());
  if (!status.has_value()) return fail_errno(base::format("cannot examine the directory {}", path), status.error());
  return RootDirectory(std::move(fd), *status, lookup);
}

std::expected<OpenedFile, int> RootDirectory::open_file(std::string_view relative) const {
  if (relative.find('\0') != std::string_view::npos) return refuse(EINVAL);
  // The kernel would let "a/../b" pass. Whoever asks has resolved such segments, or there is a mistake.
  if (relative.starts_with('/') || has_parent_component(relative)) return refuse(EXDEV);
  if (relative.empty()) relative = ".";
  std::array<char, PATH_MAX> path;
  if (relative.size() >= path.size()) return refuse(ENAMETOOLONG);
  *std::ranges::copy(relative, path.data()).out = '\0';
  Fd fd(lookup_ == Lookup::kWalk ? open_by_walk(std::string(relative)) : open_by_kernel(path.data()));
  // ENXIO is a socket, or a device without a driver.
  if (!fd) return refuse(errno == ENXIO ? EINVAL : errno);
  const auto status = examine_open(fd.get());
  if (!status.has_value()) return refuse(status.error());
  return OpenedFile{*status, std::move(fd)};
}

std::expected<FileStatus, int> RootDirectory::examine(const std::string& relative) const {
  struct stat status{};
  if (::fstatat(fd_.get(), relative.c_str(), &status, AT_NO_AUTOMOUNT) == -1) return refuse(errno);
  return describe(status);
}

int RootDirectory::open_by_kernel(const char* relative) const {
  int descriptor = -1;
  for (int races = 0; races < kRenameRacesMax; ++races) {
    descriptor = openat2_beneath(fd_.get(), relative);
    if (descriptor != -1 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return descriptor;
}

int RootDirectory::open_by_walk(const std::string& relative) const {
  Fd parent;
  std::size_t begin = 0;
  for (;;) {
    const int directory = parent ? parent.get() : fd_.get();
    const std::size_t slash = relative.find('/', begin);
    if (slash == std::string::npos) {
      // After a slash at the end, the last component is the directory itself.
      const std::string last = begin == relative.size() ? "." : relative.substr(begin);
      return ::openat(directory, last.c_str(), kReadFlags | O_NOFOLLOW);
    }
    const std::string component = relative.substr(begin, slash - begin);
    begin = slash + 1;
    if (component.empty()) continue;
    Fd next(::openat(directory, component.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) {
      // With O_DIRECTORY a symbolic link is ENOTDIR, as a file is.
      struct stat status{};
      const int error_number = errno;
      const bool is_link = error_number == ENOTDIR &&
                           ::fstatat(directory, component.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                           S_ISLNK(status.st_mode);
      errno = is_link ? ELOOP : error_number;
      return -1;
    }
    parent = std::move(next);
  }
}

Result<std::size_t> read_at(int descriptor, std::span<char> out, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = ::pread(descriptor, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (count == -1 && errno == EINTR) continue;
    if (count == -1) return fail_errno("cannot read", errno);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

Result<std::size_t> read_chunks(int descriptor, base::Buffer& into, std::size_t bytes, std::uint64_t offset) {
  std::array<iovec, kReadChunksMax> entries;
  bytes = std::min(bytes, kReadChunksMax * base::Chunk::kBytes);
  if (bytes == 0) return 0;
  const auto used = std::span(entries).first((bytes + base::Chunk::kBytes - 1) / base::Chunk::kBytes);
  base::Buffer chunks(into.pool());
  const std::size_t room = chunks.reserve_chunks(used);
  used.back().iov_len -= room - bytes;
  ssize_t count = 0;
  do {
    count = ::preadv(descriptor, used.data(), static_cast<int>(used.size()), static_cast<off_t>(offset));
  } while (count == -1 && errno == EINTR);
  const int error_number = errno;
  chunks.commit_chunks(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count == -1) return fail_errno("cannot read", error_number);
  into.take_all(chunks);
  return static_cast<std::size_t>(count);
}

std::expected<FileStatus, int> examine_path(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == -1) return refuse(errno);
  return describe(status);
}

std::expected<FileStatus, int> examine_open(int descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) == -1) return refuse(errno);
  return describe(status);
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const Fd fd(::open(path.c_str(), kReadFlags));
  if (!fd) return fail_errno(base::format("cannot open {}", path), errno);
  const auto file = examine_open(fd.get());
  if (!file.has_value()) return fail_errno(base::format("cannot read {}", path), file.error());
  if (file->is_directory) return fail_errno(base::format("cannot read {}", path), EISDIR);
  // One byte more than expected, which tells a file that has grown.
  std::string bytes;
  do {
    const std::size_t before = bytes.size();
    const std::size_t wanted = std::max({before * 2, static_cast<std::size_t>(file->size) + 1, kReadBytesMin});
    bytes.resize(std::min(wanted, bytes_max + 1));
    const Result<std::size_t> count = read_at(fd.get(), std::span(bytes).subspan(before), before);
    if (!count.has_value()) return fail_errno(base::format("cannot read {}", path), count.error().code);
    const bool is_whole = before + *count < bytes.size();
    bytes.resize(before + *count);
    if (is_whole) return bytes;
  } while (bytes.size() <= bytes_max);
  return fail(base::format("{} is larger than the {} bytes that are allowed here", path, bytes_max));
}

}  // namespace viaduct::os

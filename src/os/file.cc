// SPDX-License-Identifier: Apache-2.0
#include "os/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

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

// Takes an open descriptor apart into what it is; refuses what is neither a file nor a directory.
Result<OpenedFile> describe(Fd fd, std::string_view name) {
  struct stat status{};
  if (::fstat(fd.get(), &status) == -1) return fail_errno(base::format("cannot examine {}", name), errno);
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    auto failure = fail(base::format("{} is neither a file nor a directory", name));
    failure.error().code = EINVAL;
    return failure;
  }
  return OpenedFile{.fd = std::move(fd),
                    .size = static_cast<std::uint64_t>(status.st_size),
                    .mtime_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
                    .inode = status.st_ino,
                    .is_directory = S_ISDIR(status.st_mode)};
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
  return RootDirectory(std::move(fd), lookup);
}

Result<OpenedFile> RootDirectory::open_file(std::string_view relative) const {
  const auto refuse = [relative](int error_number) {
    return fail_errno(base::format("cannot open {}", relative), error_number);
  };
  if (relative.find('\0') != std::string_view::npos) return refuse(EINVAL);
  // The kernel would let "a/../b" pass. Whoever asks has resolved such segments, or there is a mistake.
  if (relative.starts_with('/') || has_parent_component(relative)) return refuse(EXDEV);
  const std::string path(relative.empty() ? "." : relative);
  Fd fd(lookup_ == Lookup::kWalk ? open_by_walk(path) : open_by_kernel(path));
  // ENXIO is a socket, or a device without a driver.
  if (!fd) return refuse(errno == ENXIO ? EINVAL : errno);
  return describe(std::move(fd), relative);
}

int RootDirectory::open_by_kernel(const std::string& relative) const {
  int descriptor = -1;
  for (int races = 0; races < kRenameRacesMax; ++races) {
    descriptor = openat2_beneath(fd_.get(), relative.c_str());
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

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  Fd fd(::open(path.c_str(), kReadFlags));
  if (!fd) return fail_errno(base::format("cannot open {}", path), errno);
  const Result<OpenedFile> file = describe(std::move(fd), path);
  if (!file.has_value()) return std::unexpected(file.error());
  if (file->is_directory) return fail_errno(base::format("cannot read {}", path), EISDIR);
  // One byte more than expected, which tells a file that has grown.
  std::string bytes;
  do {
    const std::size_t before = bytes.size();
    const std::size_t wanted = std::max({before * 2, static_cast<std::size_t>(file->size) + 1, kReadBytesMin});
    bytes.resize(std::min(wanted, bytes_max + 1));
    const Result<std::size_t> count = read_at(file->fd.get(), std::span(bytes).subspan(before), before);
    if (!count.has_value()) return fail_errno(base::format("cannot read {}", path), count.error().code);
    const bool is_whole = before + *count < bytes.size();
    bytes.resize(before + *count);
    if (is_whole) return bytes;
  } while (bytes.size() <= bytes_max);
  return fail(base::format("{} is larger than the {} bytes that are allowed here", path, bytes_max));
}

}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
#include "config/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/format.h"

namespace viaduct::config {

namespace {

std::string error_text(int number) {
  return std::generic_category().message(number);
}

}  // namespace

Parsed<std::string> read_text_file(const std::string& path, std::size_t limit_bytes, Readable readable) {
  std::string fault = explain_unreadable_file(path, readable);
  if (!fault.empty()) return std::unexpected(std::move(fault));
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::unexpected(base::format("cannot open {}: {}", path, error_text(errno)));
  std::string text(limit_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return std::unexpected(base::format("cannot read {}: {}", path, error_text(errno)));
  if (text.size() <= limit_bytes) return text;
  return std::unexpected(base::format("{} has more than {} bytes; make it smaller", path, limit_bytes));
}

std::string explain_unreadable_file(const std::string& path, Readable readable) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == -1) {
    return base::format("cannot read {}: {}; check the path", path, error_text(errno));
  }
  if (S_ISDIR(status.st_mode)) return base::format("{} is a directory; name a file", path);
  if (!S_ISREG(status.st_mode) && readable == Readable::kFiles && path != "/dev/null") {
    return base::format("{} is a pipe, a socket or a device; name a file", path);
  }
  if (::access(path.c_str(), R_OK) == -1) {
    return base::format("cannot read {}: {}; check its rights", path, error_text(errno));
  }
  return {};
}

std::string explain_unreadable_directory(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == -1) {
    return base::format("cannot read {}: {}; check the path", path, error_text(errno));
  }
  if (!S_ISDIR(status.st_mode)) return base::format("{} is no directory; name one", path);
  if (::access(path.c_str(), R_OK | X_OK) == -1) {
    return base::format("cannot read {}: {}; check its rights", path, error_text(errno));
  }
  return {};
}

std::string explain_unwritable_file(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    return base::format("{} is a directory; name a file", path);
  }
  const std::string directory = std::filesystem::path(path).parent_path().string();
  if (::stat(directory.c_str(), &status) == -1) {
    return base::format("cannot make the file {}: {}; create its directory", path, error_text(errno));
  }
  if (!S_ISDIR(status.st_mode)) return base::format("cannot make the file {}: {} is no directory", path, directory);
  return {};
}

std::string explain_unusable_log(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
    return base::format("{} is a socket; name a file", path);
  }
  return explain_unwritable_file(path);
}

std::string explain_unusable_directory(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == -1 || S_ISDIR(status.st_mode)) return {};
  return base::format("{} is no directory; name another path", path);
}

std::string real_path(const std::string& path) {
  std::error_code fault;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, fault);
  return (fault ? std::filesystem::path(path).lexically_normal() : real).string();
}

std::string explain_unusable_socket(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode) && !S_ISDIR(status.st_mode)) {
    return base::format("{} is there already and is no socket; name another path, or remove the file", path);
  }
  return explain_unwritable_file(path);
}

}  // namespace viaduct::config

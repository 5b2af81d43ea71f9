// SPDX-License-Identifier: Apache-2.0
#include "daemon/identity.h"

#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "os/process.h"

namespace viaduct::daemon {
namespace {

// Those that are files: standard streams and devices are everybody's.
std::vector<std::string> log_files(const config::Config& config) {
  std::vector<std::string> files;
  for (const std::string& log : {config.access_log.file, config.error_log.file}) {
    if (!log.empty() && log != "-" && !log.starts_with("/dev/")) files.push_back(log);
  }
  return files;
}

// What this process made as root and opens anew, or removes, as the user.
std::vector<std::string> files_to_give(const config::Config& config) {
  std::vector<std::string> files = log_files(config);
  if (!config.admin.socket.empty()) files.push_back(config.admin.socket);
  return files;
}

void warn_of_unreadable(const std::string& file, const std::string& user) {
  if (file.empty() || ::access(file.c_str(), R_OK) == 0) return;
  LOG_WARNING("file_unreadable file={} user={} effect=\"a renewed one cannot be read; chgrp and chmod 640\"",
              base::quoted(file), base::quoted(user));
}

void warn_of_unwritable(const std::string& directory, const std::string& user) {
  if (::access(directory.c_str(), W_OK | X_OK) == 0) return;
  LOG_WARNING(
      "directory_unwritable directory={} user={} effect=\"a log that is moved away is not made anew; chown the "
      "directory, or let logrotate make the file\"",
      base::quoted(directory), base::quoted(user));
}

}  // namespace

base::Result<void> become_user(const config::Config& config) {
  const std::string& user = config.process.user;
  if (user.empty()) return {};
  const auto is_same = os::is_user(user);
  if (!is_same) return std::unexpected(is_same.error());
  if (*is_same) return {};
  // Who is no root has nothing to give, and is told so by what follows.
  if (::geteuid() == 0) {
    for (const std::string& file : files_to_give(config)) TRY(os::give_file(file, user));
  }
  TRY(os::drop_privileges(user));
  LOG_INFO("became_user user={}", base::quoted(user));
  for (const config::Site& site : config.sites) {
    for (const config::CertificateFiles& pair : site.certificates) {
      warn_of_unreadable(pair.cert, user);
      warn_of_unreadable(pair.key, user);
    }
  }
  std::set<std::string> directories;
  for (const std::string& log : log_files(config)) {
    directories.insert(std::filesystem::path(log).parent_path().string());
  }
  for (const std::string& directory : directories) warn_of_unwritable(directory, user);
  return {};
}

}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_machine.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "base/format.h"
#include "daemon/admin.h"
#include "os/access.h"
#include "os/port_holders.h"
#include "os/process.h"
#include "os/socket.h"

namespace viaduct::cli {
namespace {

// Descriptors that are no connections: logs, listeners, loops, files being sent.
constexpr std::uint64_t kOtherDescriptors = 512;

std::string error_text(int number) {
  return std::generic_category().message(number);
}

std::string holders_text(const std::vector<os::PortHolder>& holders) {
  std::string text;
  for (const os::PortHolder& holder : holders) {
    text += base::format("{}{} (pid {})", text.empty() ? "" : ", ", holder.program, holder.pid);
  }
  return text;
}

// The address is taken.
void report_holders(const base::SocketAddress& address, const std::string& socket, DoctorReport& report) {
  const std::string subject = address.to_string();
  const std::vector<os::PortHolder> holders = os::find_port_holders(address);
  const bool is_ours = std::ranges::any_of(holders, [](const auto& holder) { return holder.program == "viaduct"; });
  if (is_ours) {
    return report.ok("listener", subject, base::format("held by a running viaduct: {}", holders_text(holders)));
  }
  if (!holders.empty()) {
    return report.fail("listener", subject, base::format("in use by {}", holders_text(holders)),
                       "stop that program at the switch (and keep it from starting again), or change the address");
  }
  if (!socket.empty() && daemon::ask_admin(socket, "status").has_value()) {
    return report.ok("listener", subject, base::format("in use, and a viaduct answers on {}", socket));
  }
  report.fail("listener", subject, "in use by another program",
              "run doctor as root to learn which; stop it at the switch, or change the address");
}

void check_unix_address(const base::SocketAddress& address, DoctorReport& report) {
  const std::string subject = address.to_string();
  const std::string directory = std::filesystem::path(address.path()).parent_path().string();
  if (const int error = os::try_access(directory, os::Access::kWriteDirectory); error != 0) {
    return report.fail("listener", subject, base::format("{}: {}", directory, error_text(error)),
                       "create the directory, with the right to write there");
  }
  report.ok("listener", subject, "free");
}

void check_address(const base::SocketAddress& address, const std::string& socket, DoctorReport& report) {
  const std::string subject = address.to_string();
  if (address.is_unix()) {
    if (!os::find_port_holders(address).empty()) return report_holders(address, socket, report);
    return check_unix_address(address, report);
  }
  const auto opened = os::listen_on(address, {.backlog = 1, .reuse_port = false, .unix_mode = 0});
  if (opened) return report.ok("listener", subject, "free");
  const int error = opened.error().code;
  if (error == EADDRINUSE) return report_holders(address, socket, report);
  if (error == EACCES && ::geteuid() != 0) {
    return report.warn("listener", subject, "only root, or who has CAP_NET_BIND_SERVICE, may bind this port",
                       "run doctor as root; the systemd unit gives the daemon that right");
  }
  const bool is_absent = error == EADDRNOTAVAIL;
  report.fail("listener", subject, is_absent ? "no interface of this machine has this address" : error_text(error),
              is_absent ? "correct the address, or listen on all: \":PORT\"" : "correct listeners");
}

// Whether `file` can be made, or written where it is.
int try_write(const std::string& file) {
  const int error = os::try_access(file, os::Access::kWrite);
  if (error != ENOENT) return error;
  return os::try_access(std::filesystem::path(file).parent_path().string(), os::Access::kWriteDirectory);
}

void check_log(const std::string& which, const std::string& file, const std::string& user, DoctorReport& report) {
  if (file.empty() || file == "-") return;
  const int error = try_write(file);
  const std::string who = user.empty() ? "" : base::format(" by {}", user);
  if (error != 0) {
    return report.fail(which, file, base::format("cannot be written{}: {}", who, error_text(error)),
                       "create its directory, owned by the user of the daemon");
  }
  if (file.starts_with("/dev/")) return report.ok(which, file, "can be written");  // nobody rotates those
  const std::string directory = std::filesystem::path(file).parent_path().string();
  const int denied = os::try_access(directory, os::Access::kWriteDirectory);
  if (denied == 0) return report.ok(which, file, "can be written");
  report.warn(which, file,
              base::format("can be written, but {} cannot{}: {}; when the log is moved away, USR1 makes no new one",
                           directory, who, error_text(denied)),
              "give the directory to that user, or let the rotation make the new file (create in logrotate.conf)");
}

std::string user_name(uid_t id) {
  const passwd* const row = ::getpwuid(id);
  return row != nullptr ? row->pw_name : base::format("user {}", id);
}

// The deepest part of `path` that can be seen; the daemon makes the rest.
std::string visible_part(std::filesystem::path path, struct stat& status) {
  while (::stat(path.c_str(), &status) == -1 && path.has_relative_path()) path = path.parent_path();
  return path.string();
}

void check_state_directory(const std::string& directory, const std::string& user, DoctorReport& report) {
  if (directory.empty()) return;
  // What another user has once started keeps configs there that are no one else's.
  struct stat status{};
  const std::string found = visible_part(std::filesystem::path(directory) / "configs", status);
  const bool is_there = ::access(directory.c_str(), F_OK) == 0;
  const bool is_directory = S_ISDIR(status.st_mode);
  const int error = is_directory ? os::try_access(found, os::Access::kWriteDirectory) : ENOTDIR;
  if (error != 0) {
    const std::string who = user.empty() ? "" : base::format(" by {}", user);
    const std::string owner = user.empty() ? user_name(::geteuid()) : user;
    return report.fail("state", directory,
                       base::format("{} cannot be written{}: {}; it belongs to {}", found, who, error_text(error),
                                    user_name(status.st_uid)),
                       base::format("{} {} {} (StateDirectory= of the systemd unit makes one); or change "
                                    "process.state_dir: without it there is no viaduct rollback",
                                    is_there && is_directory ? "chown -R" : "install -d -m 0750 -o", owner, directory));
  }
  const bool is_safe = status.st_uid == 0 || status.st_uid == ::geteuid();
  if (is_there && !is_safe) {
    return report.warn("state", directory,
                       base::format("{} belongs to {}, who could change what viaduct rollback serves", found,
                                    user_name(status.st_uid)),
                       base::format("chown it to the user of the daemon: {}", user_name(::geteuid())));
  }
  report.ok("state", directory, is_there ? "can be written" : base::format("can be made in {}", found));
}

// A rotation makes them anew when the daemon is that user already.
void check_logs(const config::Config& config, DoctorReport& report) {
  const std::string& user = config.process.user;
  const auto acting = os::ActingUser::become(user);
  if (!acting) {
    return report.fail("user", user, acting.error().message, "create it: systemd-sysusers; or change process.user");
  }
  check_log("access log", config.access_log.file, user, report);
  check_log("error log", config.error_log.file, user, report);
  check_state_directory(config.process.state_dir, user, report);
}

bool is_directory(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// The directory in which requests for `prefix` look for the files of `action`.
std::string directory_of(const config::StaticAction& action, std::string prefix) {
  if (prefix.starts_with(action.strip_prefix)) prefix.erase(0, action.strip_prefix.size());
  const std::size_t start = std::min(prefix.find_first_not_of('/'), prefix.size());
  return start == prefix.size() ? action.root : action.root + "/" + prefix.substr(start);
}

class StaticCheck {
 public:
  StaticCheck(const std::string& user, DoctorReport& report) : user_(user), report_(report) {}

  void check(const config::Site& site, const config::Route& route, const config::StaticAction& action) {
    subject_ = base::format("{} {}", site.hosts.empty() ? "default" : site.hosts.front(), route.name);
    if (!is_directory(action.root)) return fail(action.root, is_there(action.root) ? ENOTDIR : ENOENT);
    if (const int error = os::try_access(action.root, os::Access::kReadDirectory); error != 0) {
      return fail(action.root, error);
    }
    if (!action.fallback.empty()) {
      const std::string file = action.root + action.fallback;
      if (const int error = os::try_access(file, os::Access::kRead); error != 0) return fail(file, error);
    }
    for (const std::string& prefix : route.match.prefix) {
      if (!check_prefix(action, prefix)) return;
    }
    report_.ok("static", subject_, base::format("{} can be read", action.root));
  }

 private:
  static bool is_there(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0;
  }

  bool check_prefix(const config::StaticAction& action, const std::string& prefix) {
    const std::string directory = directory_of(action, prefix);
    if (prefix.ends_with('/') && !is_directory(directory) && action.fallback.empty()) {
      report_.warn("static", subject_,
                   base::format("there is no directory {}, so nothing below {} is found", directory, prefix),
                   "create it, or say strip_prefix where the root is that directory already");
      return false;
    }
    // Below other prefixes, folders without a page of their own are usual.
    if (prefix != "/" || action.index.empty()) return true;
    const bool has_index = std::ranges::any_of(action.index, [&](const std::string& name) {
      return os::try_access(directory + "/" + name, os::Access::kRead) == 0;
    });
    if (has_index) return true;
    report_.fail("static", subject_,
                 base::format("{} has none of the pages that / shows ({})", directory, action.index.front()),
                 "put the pages there, or correct root or index");
    return false;
  }

  void fail(const std::string& path, int error) {
    const std::string who = user_.empty() ? "" : base::format(" by {}", user_);
    report_.fail("static", subject_, base::format("{} cannot be read{}: {}", path, who, error_text(error)),
                 error == ENOENT ? "put the files there, or correct the path" : "correct its rights, or the path");
  }

  const std::string& user_;
  DoctorReport& report_;
  std::string subject_;
};

}  // namespace

void check_listeners(const config::Config& config, DoctorReport& report) {
  for (const config::Listener& listener : config.listeners) {
    for (const base::SocketAddress& address : listener.addresses) check_address(address, config.admin.socket, report);
  }
  if (config.admin.health) check_address(*config.admin.health, config.admin.socket, report);
}

void check_descriptors(const config::Config& config, DoctorReport& report) {
  const auto limit = os::raise_descriptor_limit();
  if (!limit) return report.fail("descriptors", "", limit.error().message, "raise the limit: ulimit -n");
  const std::uint64_t clients = config.client.max_connections;
  std::uint64_t to_servers = 0;
  for (const config::Upstream& upstream : config.upstreams) {
    to_servers += std::uint64_t{upstream.max_connections} * upstream.servers.size();
  }
  const std::uint64_t needed = clients + std::min(clients, to_servers) + kOtherDescriptors;
  const std::string found =
      base::format("{} files may be open; client.max_connections {} needs up to {}", *limit, clients, needed);
  if (*limit >= needed) return report.ok("descriptors", "", found);
  const std::string remedy = base::format(
      "LimitNOFILE={} in the systemd unit, ulimit -n for a shell; or a smaller client.max_connections", needed);
  if (*limit < clients) return report.fail("descriptors", "", found, remedy);
  report.warn("descriptors", "", found, remedy);
}

void check_written_files(const config::Config& config, DoctorReport& report) {
  check_logs(config, report);
  if (config.admin.socket.empty()) return;
  const std::string directory = std::filesystem::path(config.admin.socket).parent_path().string();
  const int error = os::try_access(directory, os::Access::kWriteDirectory);
  if (error == 0) return report.ok("admin socket", config.admin.socket, "its directory can be written");
  report.fail("admin socket", config.admin.socket, base::format("{}: {}", directory, error_text(error)),
              "create the directory (RuntimeDirectory= of the systemd unit does), or change admin.socket");
}

void check_static_files(const config::Config& config, DoctorReport& report) {
  const auto acting = os::ActingUser::become(config.process.user);
  if (!acting) return;  // the check of the logs has said so
  StaticCheck check(config.process.user, report);
  for (const config::Site& site : config.sites) {
    for (const config::Route& route : site.routes) {
      if (const auto* action = std::get_if<config::StaticAction>(&route.action)) check.check(site, route, *action);
    }
  }
}

}  // namespace viaduct::cli

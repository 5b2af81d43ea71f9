// SPDX-License-Identifier: Apache-2.0
#include "config/validate_paths.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "base/format.h"
#include "config/files.h"

namespace viaduct::config {

namespace {

// A path of the config that something is made at.
struct Use {
  std::string key;
  std::string path;  // in its one spelling
  std::string what;  // for the operator
};

std::vector<Use> socket_uses(const ConfigDraft& draft, const Reading& reading) {
  std::vector<Use> uses;
  for (std::size_t i = 0; i < draft.listeners.size(); ++i) {
    const Listener& listener = draft.listeners[i];
    for (const base::SocketAddress& address : listener.addresses) {
      if (!address.is_unix()) continue;
      uses.push_back({.key = base::format("listeners[{}].address", i),
                      .path = real_path(address.path()),
                      .what = base::format("the listener {} in line {}", listener.address, listener.place.line)});
    }
  }
  if (draft.admin.socket.empty()) return uses;
  uses.push_back({.key = "admin.socket",
                  .path = real_path(draft.admin.socket),
                  .what = base::format("admin.socket in line {}", reading.places().value("admin.socket").line)});
  return uses;
}

const Use* find_path(const std::vector<Use>& uses, const std::string& path) {
  const auto found = std::ranges::find(uses, path, &Use::path);
  return found == uses.end() ? nullptr : &*found;
}

void check_log(const std::string& key, const std::string& file, const std::vector<Use>& sockets, Reading& reading) {
  if (file.empty() || file == "-") return;
  const Use* socket = find_path(sockets, real_path(file));
  if (socket == nullptr) return;
  reading.error_at(key, base::format("{} is the socket of {}; name another file", file, socket->what));
}

}  // namespace

void validate_paths(const ConfigDraft& draft, Reading& reading) {
  const std::vector<Use> sockets = socket_uses(draft, reading);
  if (!draft.admin.socket.empty()) {
    // It is the last one; that two listeners have one address is said where addresses are compared.
    const Use* other = find_path(sockets, sockets.back().path);
    if (other != &sockets.back()) {
      reading.error_at("admin.socket", base::format("{} has this path; choose another", other->what));
    }
  }
  check_log("logs.access.file", draft.logs.access.file, sockets, reading);
  check_log("logs.error.file", draft.logs.error.file, sockets, reading);
}

}  // namespace viaduct::config

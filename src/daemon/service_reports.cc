// SPDX-License-Identifier: Apache-2.0
#include "daemon/service_reports.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/format.h"
#include "base/log.h"
#include "base/uri.h"
#include "config/address.h"
#include "os/service_manager.h"
#include "os/socket.h"

namespace viaduct::daemon {
namespace {

constexpr std::string_view kPrefix = "listener-";
// Between the address of the config and the one that the kernel made of it.
constexpr char kSeparator = ',';

bool is_plain(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
         std::string_view("./-_[]").contains(byte);
}

// Whatever a name may not have, and whatever systemd's list of names would make something else of.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char byte : text) {
    if (is_plain(byte)) {
      result += byte;
    } else {
      result += base::format("%{:02X}", static_cast<unsigned char>(byte));
    }
  }
  return result;
}

bool has_kernel_port(const base::SocketAddress& wanted) {
  return !wanted.is_unix() && wanted.port() == 0;
}

// Whether whoever connects to the address finds a socket that is bound to it: a file may be gone, or be another's.
bool can_be_found(const base::SocketAddress& local) {
  return !local.is_unix() || os::find_socket_file(local.path()).has_value();
}

// One descriptor of each socket, where workers share some.
std::vector<int> different_sockets(const std::vector<int>& descriptors) {
  std::vector<int> sockets;
  std::set<std::uint64_t> cookies;
  for (const int descriptor : descriptors) {
    const std::uint64_t cookie = os::socket_cookie(descriptor);
    if (cookie == 0 || cookies.insert(cookie).second) sockets.push_back(descriptor);
  }
  return sockets;
}

}  // namespace

std::string stored_name(const base::SocketAddress& wanted, const base::SocketAddress& local) {
  std::string name = std::string(kPrefix) + escaped(wanted.to_string());
  if (has_kernel_port(wanted)) name += kSeparator + escaped(local.to_string());
  return name.size() <= os::kStoredNameBytesMax ? name : "";
}

std::optional<base::SocketAddress> wanted_of_stored_name(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  std::string text(name.substr(0, name.find(kSeparator)));
  text.resize(base::percent_decode(text, text.data()));
  const auto address = config::parse_listener_address(text);
  if (!address || address->size() != 1) return std::nullopt;
  return address->front();
}

ServiceReports::ServiceReports(net::Loop& loop) : watch_(loop) {}

// ---- what this process was given ------------------------------------------------------------------------------------

std::vector<InheritedListener> ServiceReports::take_sockets() {
  std::vector<InheritedListener> taken;
  std::set<std::uint64_t> cookies;
  for (os::GivenSocket& given : os::take_given_sockets()) {
    const std::uint64_t cookie = given.fd ? os::socket_cookie(given.fd.get()) : 0;
    // A socket of a unit may be in the store too, behind it.
    if (cookie != 0 && !cookies.insert(cookie).second) given.fd.reset();
    take(std::move(given.fd), given.name, taken);
  }
  return taken;
}

void ServiceReports::take(os::Fd socket, std::string_view name, std::vector<InheritedListener>& taken) {
  const auto named = wanted_of_stored_name(name);
  if (named) stored_.emplace(name, false);
  if (!socket) return;
  const base::SocketAddress local = os::local_address(socket.get());
  if (named && !can_be_found(local)) {
    // What is opened in its place gets the same name.
    os::forget_sockets(std::string(name));
    LOG_INFO("stored_socket_closed address={} reason=\"its file is gone\"", local.to_string());
    return;
  }
  const base::SocketAddress& wanted = named && has_kernel_port(*named) ? *named : local;
  const auto is_same = [&](const InheritedListener& one) {
    return one.is_stored && one.wanted == wanted && one.local == local;
  };
  auto found = named ? std::ranges::find_if(taken, is_same) : taken.end();
  if (found == taken.end()) {
    taken.push_back({.wanted = wanted, .local = local, .sockets = {}, .is_stored = named.has_value()});
    found = taken.end() - 1;
    // That of a socket unit is systemd's.
    if (named && local.is_unix()) found->file = os::find_socket_file(local.path());
  }
  found->sockets.push_back(std::move(socket));
}

void ServiceReports::follow(const std::vector<InheritedListener>& sockets, os::Fd told) {
  for (const InheritedListener& one : sockets) stored_.emplace(stored_name(one.wanted, one.local), false);
  if (!told) return;
  mode_ = Mode::kFollowing;
  told_ = std::move(told);
  watch_.open(told_.get(), *this);
  watch_.set_reading(true);
}

void ServiceReports::on_fd_readable() {
  watch_.close();
  told_.reset();
  if (status_.empty()) {
    mode_ = Mode::kStarting;
    return;
  }
  say_all();
}

// ---- what systemd hears ---------------------------------------------------------------------------------------------

void ServiceReports::serve(std::string status, const std::vector<BoundListener>& rows) {
  status_ = std::move(status);
  rows_ = rows;
  if (mode_ != Mode::kFollowing) say_all();
}

void ServiceReports::say_all() {
  std::map<std::string, const BoundListener*> wanted;
  for (const BoundListener& row : rows_) {
    std::string name = stored_name(row.wanted, row.local);
    if (!name.empty()) wanted.emplace(std::move(name), &row);
  }
  // First, since a socket whose listener has another name now is kept under one name alone.
  for (const auto& [name, by_us] : stored_) {
    if (!wanted.contains(name)) os::forget_sockets(name);
  }
  std::erase_if(stored_, [&wanted](const auto& one) { return !wanted.contains(one.first); });
  for (const auto& [name, row] : wanted) {
    bool& by_us = stored_[name];
    if (!std::exchange(by_us, true)) os::store_sockets(name, different_sockets(row->sockets));
  }
  mode_ == Mode::kHeard ? os::notify_status(status_) : os::notify_ready(status_);
  mode_ = Mode::kHeard;
}

}  // namespace viaduct::daemon

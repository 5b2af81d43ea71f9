// SPDX-License-Identifier: Apache-2.0
#include "daemon/listener_table.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "base/format.h"
#include "daemon/listen.h"
#include "os/socket.h"

namespace viaduct::daemon {
namespace {

ListenerOptions options_of(const config::Listener& listener) {
  return {.is_tls = listener.tls,
          .http2 = listener.http2,
          .h2c = listener.h2c,
          .proxy_protocol = listener.proxy_protocol,
          .redirect_to_https = listener.redirect_to_https,
          .proxy_from = listener.proxy_from};
}

bool is_same_but_port(ListenerOptions left, const ListenerOptions& right) {
  left.https_port = right.https_port;
  return left == right;
}

bool is_wildcard(const base::IpAddress& address) {
  return std::all_of(address.bytes(), address.bytes() + address.size(), [](unsigned char byte) { return byte == 0; });
}

std::string options_text(const ListenerOptions& options) {
  std::string text = options.is_tls ? "tls" : "plain";
  if (options.is_tls && !options.http2) text += ", without http2";
  if (options.h2c) text += ", h2c";
  if (options.proxy_protocol) text += ", proxy_protocol";
  if (options.redirect_to_https) text += ", redirect_to_https";
  return text;
}

const BoundListener* find_number(const std::vector<BoundListener>& rows, std::uint32_t number) {
  const auto found = std::ranges::find(rows, number, &BoundListener::number);
  return found == rows.end() ? nullptr : &*found;
}

void remove_file(const BoundListener& row) {
  if (row.file) os::remove_socket_file(row.local.path(), *row.file);
}

// Spreads sockets over workers: as a rule one for each, more where a process with more workers has handed them over.
void deal(std::vector<os::Fd> sockets, ListenerTable::Change& change) {
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    change.rows.back().sockets.push_back(sockets[i].get());
    change.by_worker[i % change.by_worker.size()].back().sockets.push_back(std::move(sockets[i]));
  }
}

}  // namespace

NewFiles::~NewFiles() {
  for (const std::string& path : paths_) ::unlink(path.c_str());
}

// One address of the config.
struct ListenerTable::Wanted {
  base::SocketAddress address;
  ListenerOptions options;
  const BoundListener* kept = nullptr;
};

base::Result<ListenerTable::Change> ListenerTable::prepare(const std::vector<config::Listener>& wanted) {
  std::vector<InheritedListener> none;
  return prepare(wanted, none);
}

base::Result<ListenerTable::Change> ListenerTable::prepare(const std::vector<config::Listener>& wanted,
                                                           std::vector<InheritedListener>& inherited) {
  std::vector<Wanted> list;
  for (const config::Listener& listener : wanted) {
    for (const base::SocketAddress& address : listener.addresses) {
      list.push_back({.address = address, .options = options_of(listener)});
    }
  }
  // Several may say port 0: a row is kept by who wants all of it, then by who names its port, then by any.
  std::vector<BoundListener> chosen;
  for (int round = 0; round < 3; ++round) {
    for (Wanted& one : list) {
      if (one.kept != nullptr) continue;
      one.kept = find_kept(one, chosen, round);
      if (one.kept != nullptr) chosen.push_back(*one.kept);
    }
  }
  Change change;
  change.by_worker.resize(workers_);
  for (const Wanted& one : list) {
    BoundListener row{.number = one.kept != nullptr ? one.kept->number : ++last_number_,
                      .wanted = one.address,
                      .local = {},
                      .options = one.options,
                      .sockets = {}};
    std::vector<os::Fd> sockets;
    if (one.kept != nullptr) {
      row.local = one.kept->local;
      row.sockets = one.kept->sockets;
      row.file = one.kept->file;
    } else {
      auto opened = open(row, change.new_files, inherited);
      if (!opened) return std::unexpected(std::move(opened).error());
      sockets = std::move(*opened);
      row.local = os::local_address(sockets.front().get());
    }
    for (auto& of_worker : change.by_worker) of_worker.push_back({.number = row.number, .local = row.local});
    change.rows.push_back(std::move(row));
    deal(std::move(sockets), change);
  }
  const auto https = std::ranges::find_if(change.rows, [](const BoundListener& row) { return row.options.is_tls; });
  for (std::size_t i = 0; i < change.rows.size(); ++i) {
    if (https != change.rows.end()) change.rows[i].options.https_port = https->local.port();
    for (auto& of_worker : change.by_worker) of_worker[i].options = change.rows[i].options;
  }
  describe(rows_, change);
  return change;
}

const BoundListener* ListenerTable::find_kept(const Wanted& wanted, const std::vector<BoundListener>& chosen,
                                              int round) const {
  const auto fits = [&](const BoundListener& row) {
    if (find_number(chosen, row.number) != nullptr) return false;
    if (round == 1) return row.local == wanted.address;
    return row.wanted == wanted.address && (round == 2 || is_same_but_port(row.options, wanted.options));
  };
  const auto found = std::ranges::find_if(rows_, fits);
  return found == rows_.end() ? nullptr : &*found;
}

// Whether a socket of ours stands in the way of a bind to `address` that is not shared.
bool ListenerTable::is_covered(const base::SocketAddress& address,
                               const std::vector<InheritedListener>& inherited) const {
  const auto covers = [&address](const auto& row) {
    if (row.local.is_unix() || row.local.port() != address.port()) return false;
    if (row.local.ip().is_v4() != address.ip().is_v4()) return false;
    return row.local.ip() == address.ip() || is_wildcard(row.local.ip()) || is_wildcard(address.ip());
  };
  return std::ranges::any_of(rows_, covers) || std::ranges::any_of(inherited, covers);
}

base::Result<std::vector<os::Fd>> ListenerTable::open(BoundListener& row, NewFiles& new_files,
                                                      std::vector<InheritedListener>& inherited) {
  const base::SocketAddress& wanted = row.wanted;
  auto found = std::ranges::find(inherited, wanted, &InheritedListener::wanted);
  if (found == inherited.end()) found = std::ranges::find(inherited, wanted, &InheritedListener::local);
  if (found == inherited.end()) {
    const bool is_ours = !wanted.is_unix() && is_covered(wanted, inherited);
    auto opened = open_sockets(wanted, workers_, is_ours ? Sharing::kOurselves : Sharing::kNobody);
    if (opened && wanted.is_unix()) {
      new_files.add(wanted.path());
      row.file = os::find_socket_file(wanted.path());
    }
    return opened;
  }
  row.file = found->file;
  std::vector<os::Fd> sockets = std::move(found->sockets);
  if (found->is_stored) add_missing(found->local, sockets);
  inherited.erase(found);
  // Sockets of our own beside these would take connections before it is certain that this process serves.
  share_sockets(sockets, workers_);
  return sockets;
}

// Opens what is missing to a socket for each worker. Where there is an obstacle, workers share.
void ListenerTable::add_missing(const base::SocketAddress& local, std::vector<os::Fd>& sockets) const {
  if (local.is_unix() || sockets.size() >= workers_) return;
  auto more = open_sockets(local, workers_ - sockets.size(), Sharing::kOurselves);
  if (more) std::ranges::move(*more, std::back_inserter(sockets));
}

void ListenerTable::describe(const std::vector<BoundListener>& before, Change& change) {
  for (const BoundListener& row : change.rows) {
    const BoundListener* old = find_number(before, row.number);
    const std::string address = row.local.to_string();
    if (old == nullptr) {
      change.lines.push_back(base::format("listener added: {} ({})", address, options_text(row.options)));
    } else if (!is_same_but_port(old->options, row.options)) {
      change.lines.push_back(base::format("listener changed: {} ({}, was {})", address, options_text(row.options),
                                          options_text(old->options)));
    }
  }
  for (const BoundListener& row : before) {
    if (find_number(change.rows, row.number) != nullptr) continue;
    change.lines.push_back(base::format("listener removed: {}", row.local.to_string()));
  }
}

std::vector<std::vector<WorkerListener>> ListenerTable::commit(Change change) {
  // Before the sockets end, so that nobody finds one that is about to.
  for (const BoundListener& row : rows_) {
    if (find_number(change.rows, row.number) == nullptr) remove_file(row);
  }
  rows_ = std::move(change.rows);
  change.new_files.keep();
  return std::move(change.by_worker);
}

void ListenerTable::remove_files() const {
  for (const BoundListener& row : rows_) remove_file(row);
}

std::vector<base::SocketAddress> ListenerTable::addresses() const {
  std::vector<base::SocketAddress> addresses;
  std::ranges::transform(rows_, std::back_inserter(addresses), &BoundListener::local);
  return addresses;
}

}  // namespace viaduct::daemon

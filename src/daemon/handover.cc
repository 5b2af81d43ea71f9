// SPDX-License-Identifier: Apache-2.0
#include "daemon/handover.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/format.h"
#include "config/address.h"
#include "os/socket.h"

namespace viaduct::daemon {
namespace {

using nlohmann::json;

// Of the texts behind the keys: thousands of listeners fit.
constexpr std::size_t kTextBytesMax = 1024 * 1024;

bool write_all(int descriptor, const void* bytes, std::size_t count) {
  const char* at = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t written = ::write(descriptor, at, count);
    if (written == -1 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += written;
    count -= static_cast<std::size_t>(written);
  }
  return true;
}

// Two numbers of descriptors, separated by a space.
std::optional<std::array<int, 2>> parse_variable(std::string_view text) {
  std::array<int, 2> numbers{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto [next, fault] = std::from_chars(at, end, numbers[i]);
    if (fault != std::errc() || numbers[i] <= STDERR_FILENO) return std::nullopt;
    at = next;
    if (i == 0 && (at == end || *at++ != ' ')) return std::nullopt;
  }
  if (at != end) return std::nullopt;
  return numbers;
}

bool is_pipe(int descriptor) {
  struct stat status{};
  return ::fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode);
}

base::Result<int> listening_descriptor(const json& value) {
  if (!value.is_number_integer()) return base::fail("the handover names a socket by no number");
  const int descriptor = value.get<int>();
  if (descriptor > STDERR_FILENO && os::is_listening(descriptor)) return descriptor;
  return base::fail(base::format("the handover names descriptor {}, on which nobody listens", descriptor));
}

// What is no file is nobody's to remove.
std::optional<os::SocketFile> read_file(const json& row) {
  const auto file = row.find("file");
  if (file == row.end() || !file->is_array() || file->size() != 2) return std::nullopt;
  if (!(*file)[0].is_number_unsigned() || !(*file)[1].is_number_unsigned()) return std::nullopt;
  return os::SocketFile{.device = (*file)[0].get<std::uint64_t>(), .number = (*file)[1].get<std::uint64_t>()};
}

// Workers may share sockets: each is taken once.
base::Result<InheritedListener> read_listener(const json& row, std::set<int>& seen) {
  const auto wanted = row.find("wanted");
  const auto sockets = row.find("sockets");
  if (wanted == row.end() || !wanted->is_string() || sockets == row.end() || !sockets->is_array()) {
    return base::fail("the handover has a listener without address or sockets");
  }
  const auto address = config::parse_listener_address(wanted->get<std::string>());
  if (!address || address->empty()) return base::fail("the handover has an address that is none");
  InheritedListener listener{.wanted = address->front(), .local = {}, .sockets = {}};
  std::set<std::uint64_t> cookies;
  for (const json& value : *sockets) {
    const auto descriptor = listening_descriptor(value);
    if (!descriptor) return std::unexpected(descriptor.error());
    if (!seen.insert(*descriptor).second) return base::fail("the handover names a socket twice");
    os::Fd socket(*descriptor);
    os::make_own(socket.get());
    const std::uint64_t cookie = os::socket_cookie(socket.get());
    if (cookie == 0 || cookies.insert(cookie).second) listener.sockets.push_back(std::move(socket));
  }
  if (listener.sockets.empty()) return base::fail("the handover has a listener without a socket");
  listener.local = os::local_address(listener.sockets.front().get());
  listener.file = read_file(row);
  return listener;
}

// What is no text is no order.
std::vector<std::string> read_orders(const json& content) {
  std::vector<std::string> orders;
  const auto rows = content.find("orders");
  if (rows == content.end() || !rows->is_array()) return orders;
  for (const json& row : *rows) {
    if (row.is_string()) orders.push_back(row.get<std::string>());
  }
  return orders;
}

}  // namespace

base::Result<os::Fd> write_handover(const HandoverOffer& offer) {
  json listeners = json::array();
  for (const BoundListener& row : offer.listeners) {
    json listener = {{"wanted", row.wanted.to_string()}, {"sockets", row.sockets}};
    if (row.file) listener["file"] = {row.file->device, row.file->number};
    listeners.push_back(std::move(listener));
  }
  json content = {{"listeners", std::move(listeners)}};
  if (offer.admin_socket != -1) {
    content["admin"] = {
        {"path", offer.admin_path}, {"socket", offer.admin_socket}, {"owns_file", offer.admin_owns_file}};
  }
  if (offer.health) {
    content["health"] = {{"wanted", offer.health->to_string()}, {"sockets", json::array({offer.health_socket})}};
  }
  if (offer.told != -1) content["told"] = offer.told;
  if (!offer.orders.empty()) content["orders"] = offer.orders;
  os::Fd file(::memfd_create("viaduct-handover", MFD_CLOEXEC));
  if (!file) return base::fail_errno("cannot make the file of the handover", errno);
  const std::string text = content.dump();
  tls::TicketKeys::Secret secret;
  offer.ticket_keys.give(secret);
  const bool is_written =
      write_all(file.get(), secret.data(), secret.size()) && write_all(file.get(), text.data(), text.size());
  ::explicit_bzero(secret.data(), secret.size());
  if (!is_written) return base::fail_errno("cannot write the file of the handover", errno);
  return file;
}

base::Result<std::unique_ptr<Handover>> Handover::take() {
  const char* variable = std::getenv(kHandoverVariable);
  if (variable == nullptr) return nullptr;
  const std::string text = variable;
  ::unsetenv(kHandoverVariable);
  const auto numbers = parse_variable(text);
  if (!numbers) return base::fail(base::format("{} is \"{}\", not two descriptors", kHandoverVariable, text));
  if (!is_pipe((*numbers)[1])) {
    return base::fail(base::format("{} names descriptor {}, which is no pipe", kHandoverVariable, (*numbers)[1]));
  }
  const os::Fd file((*numbers)[0]);
  os::Fd ready((*numbers)[1]);
  ::fcntl(ready.get(), F_SETFD, FD_CLOEXEC);
  auto handover = std::make_unique<Handover>(std::move(ready));
  if (auto read = handover->read(file.get()); !read) {
    handover->report_failure(read.error().message);
    return std::unexpected(std::move(read).error());
  }
  return handover;
}

base::Result<void> Handover::read(int file) {
  const ssize_t got = ::pread(file, ticket_keys.data(), ticket_keys.size(), 0);
  if (got != static_cast<ssize_t>(ticket_keys.size())) return base::fail("the handover is too short");
  std::string text(kTextBytesMax, '\0');
  const ssize_t length = ::pread(file, text.data(), text.size(), static_cast<off_t>(ticket_keys.size()));
  if (length == -1) return base::fail_errno("the handover cannot be read", errno);
  text.resize(static_cast<std::size_t>(length));
  const json content = json::parse(text, nullptr, false);
  const auto rows = content.find("listeners");
  if (!content.is_object() || rows == content.end() || !rows->is_array()) {
    return base::fail("the handover does not say what it hands over");
  }
  std::set<int> seen;
  for (const json& row : *rows) {
    auto listener = read_listener(row, seen);
    if (!listener) return std::unexpected(std::move(listener).error());
    listeners.push_back(std::move(*listener));
  }
  if (const auto row = content.find("health"); row != content.end()) {
    auto listener = read_listener(*row, seen);
    if (!listener) return std::unexpected(std::move(listener).error());
    health = std::move(*listener);
  }
  if (const auto row = content.find("told"); row != content.end() && row->is_number_integer()) {
    take_told(row->get<int>());
  }
  orders = read_orders(content);
  const auto admin = content.find("admin");
  if (admin == content.end() || !admin->is_object()) return {};
  const auto descriptor = listening_descriptor(admin->value("socket", json()));
  if (!descriptor) return std::unexpected(descriptor.error());
  const auto owns = admin->find("owns_file");
  admin_owns_file = owns == admin->end() || !owns->is_boolean() || owns->get<bool>();
  admin_socket = os::Fd(*descriptor);
  os::make_own(admin_socket.get());
  admin_path = os::local_address(admin_socket.get()).path();
  return {};
}

void Handover::take_told(int descriptor) {
  if (descriptor <= STDERR_FILENO || !is_pipe(descriptor)) return;
  told = os::Fd(descriptor);
  os::make_own(told.get());
}

Handover::~Handover() {
  report("it ended before it served");
  ::explicit_bzero(ticket_keys.data(), ticket_keys.size());
}

void Handover::report_ready() {
  report(kHandoverReady);
}

void Handover::report_failure(std::string_view why) {
  report(why);
}

void Handover::report(std::string_view text) {
  if (!ready_) return;
  // Whoever does not read it any more has given up on us.
  write_all(ready_.get(), text.data(), text.size());
  ready_.reset();
}

}  // namespace viaduct::daemon

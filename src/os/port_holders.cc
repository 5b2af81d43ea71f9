// SPDX-License-Identifier: Apache-2.0
#include "os/port_holders.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <system_error>

namespace viaduct::os {
namespace {

using Inodes = std::set<std::string, std::less<>>;

// What the kernel writes for a socket that listens (TCP_LISTEN of net/tcp_states.h; __SO_ACCEPTCON of a Unix socket).
constexpr std::string_view kListenState = "0A";
constexpr std::string_view kAcceptsFlag = "00010000";

template <typename Number>
std::optional<Number> read_number(std::string_view text, int radix) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, radix);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "0100007F:1F90": words of 32 bits in the order of this machine, then the port.
std::optional<base::SocketAddress> read_address(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < colon / 8; ++i) {
    const auto word = read_number<std::uint32_t>(text.substr(i * 8, 8), 16);
    if (!word) return std::nullopt;
    words.at(i) = *word;
  }
  const auto port = read_number<std::uint16_t>(text.substr(colon + 1), 16);
  if (!port) return std::nullopt;
  std::array<unsigned char, 16> bytes{};
  std::copy_n(reinterpret_cast<const unsigned char*>(words.data()), colon / 2, bytes.begin());
  return base::SocketAddress(base::IpAddress::from_bytes(bytes.data(), colon / 2), *port);
}

bool is_any(const base::IpAddress& address) {
  return std::all_of(address.bytes(), address.bytes() + address.size(), [](unsigned char byte) { return byte == 0; });
}

bool is_in_the_way(const base::SocketAddress& held, const base::SocketAddress& wanted) {
  if (held.port() != wanted.port()) return false;
  if (held.ip() == wanted.ip()) return true;
  // A socket of IPv6 for all addresses may be one for IPv4, too.
  const bool is_reaching = held.ip().is_v4() == wanted.ip().is_v4() || !held.ip().is_v4();
  return is_any(held.ip()) ? is_reaching : is_any(wanted.ip()) && held.ip().is_v4() == wanted.ip().is_v4();
}

// Columns of /proc/net/tcp: number, local address, remote address, state, queues, timer, retransmits, user, timeout,
// inode.
void add_tcp(const char* table, const base::SocketAddress& wanted, Inodes& inodes) {
  std::ifstream lines(table);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream columns(line);
    std::array<std::string, 10> column;
    for (std::string& text : column) columns >> text;
    if (column[3] != kListenState) continue;
    const auto held = read_address(column[1]);
    if (held && is_in_the_way(*held, wanted)) inodes.insert(column[9]);
  }
}

// Columns of /proc/net/unix: number, references, protocol, flags, type, state, inode, path.
void add_unix(const std::string& path, Inodes& inodes) {
  std::ifstream lines("/proc/net/unix");
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream columns(line);
    std::array<std::string, 7> column;
    for (std::string& text : column) columns >> text;
    std::string held;
    std::getline(columns >> std::ws, held);
    if (column[3] == kAcceptsFlag && held == path) inodes.insert(column[6]);
  }
}

bool holds_one(const std::filesystem::path& process, const Inodes& inodes) {
  constexpr std::string_view kPrefix = "socket:[";
  std::error_code error;
  for (std::filesystem::directory_iterator file(process / "fd", error), end; !error && file != end;
       file.increment(error)) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(file->path(), gone).string();
    if (!target.starts_with(kPrefix)) continue;
    if (inodes.contains(std::string_view(target).substr(kPrefix.size(), target.size() - kPrefix.size() - 1)))
      return true;
  }
  return false;
}

std::string program_of(const std::filesystem::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  return name;
}

}  // namespace

std::vector<PortHolder> find_port_holders(const base::SocketAddress& address) {
  Inodes inodes;
  if (address.is_unix()) {
    add_unix(address.path(), inodes);
  } else {
    add_tcp("/proc/net/tcp", address, inodes);
    add_tcp("/proc/net/tcp6", address, inodes);
  }
  std::vector<PortHolder> holders;
  if (inodes.empty()) return holders;
  std::error_code error;
  for (std::filesystem::directory_iterator process("/proc", error), end; !error && process != end;
       process.increment(error)) {
    const auto pid = read_number<pid_t>(process->path().filename().string(), 10);
    if (pid && holds_one(process->path(), inodes))
      holders.push_back({.pid = *pid, .program = program_of(process->path())});
  }
  std::ranges::sort(holders, {}, &PortHolder::pid);
  return holders;
}

}  // namespace viaduct::os

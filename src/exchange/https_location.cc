// SPDX-License-Identifier: Apache-2.0
#include "exchange/https_location.h"

#include <array>
#include <charconv>

namespace viaduct::exchange {
namespace {

constexpr std::uint16_t kHttpsPort = 443;

}  // namespace

std::string_view without_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos) return authority;
  return authority.substr(0, colon);
}

std::string_view https_location(std::string_view authority, std::string_view target, std::uint16_t port,
                                base::Arena& arena) {
  std::string_view location = arena.copy("https://");
  location = arena.append(location, without_port(authority));
  if (port != kHttpsPort) {
    std::array<char, 6> digits{':'};
    const auto end = std::to_chars(digits.data() + 1, digits.data() + digits.size(), port).ptr;
    location = arena.append(location, {digits.data(), static_cast<std::size_t>(end - digits.data())});
  }
  return arena.append(location, target == "*" ? std::string_view{} : target);
}

}  // namespace viaduct::exchange

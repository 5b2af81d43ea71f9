// SPDX-License-Identifier: Apache-2.0
#include "os/password.h"

#include <crypt.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include "base/bytes.h"

namespace viaduct::os {
namespace {

// crypt(5): the alphabet of salts and hashes.
bool is_crypt_text(std::string_view text) {
  return std::ranges::all_of(text, [](char byte) {
    const char lower = base::to_lower(byte);
    return base::is_digit(byte) || (lower >= 'a' && lower <= 'z') || byte == '.' || byte == '/';
  });
}

// 14: about 1 s.
constexpr unsigned kBcryptCostMax = 14;
// 1,000,000 rounds: about 0.5 s.
constexpr unsigned kRoundsMax = 1'000'000;
constexpr std::size_t kBcryptLength = 60;
constexpr std::size_t kBcryptPrefix = 7;  // $2y$05$
constexpr std::string_view kDamaged = "the hash is damaged; write the line anew with htpasswd -B or mkpasswd";

std::optional<unsigned> parse_number(std::string_view digits) {
  unsigned number = 0;
  if (digits.empty() || digits.size() > 7) return std::nullopt;
  for (const char byte : digits) {
    if (!base::is_digit(byte)) return std::nullopt;
    number = number * 10 + static_cast<unsigned>(byte - '0');
  }
  return number;
}

std::string explain_bcrypt(std::string_view hash) {
  const bool is_whole = hash.size() == kBcryptLength && hash[kBcryptPrefix - 1] == '$';
  const auto cost = is_whole ? parse_number(hash.substr(4, 2)) : std::nullopt;
  if (!cost || *cost < 4 || *cost > 31 || !is_crypt_text(hash.substr(kBcryptPrefix))) return std::string(kDamaged);
  if (*cost <= kBcryptCostMax) return {};
  return "bcrypt's cost is above 14, so that one look at a password takes seconds; make it 10 to 12";
}

// $5$salt$hash or $5$rounds=N$salt$hash.
std::string explain_sha(std::string_view hash, std::size_t digest_length) {
  hash.remove_prefix(3);
  constexpr std::string_view kRounds = "rounds=";
  if (hash.starts_with(kRounds)) {
    hash.remove_prefix(kRounds.size());
    const std::size_t dollar = hash.find('$');
    const auto rounds = parse_number(hash.substr(0, dollar));
    if (!rounds || dollar == std::string_view::npos) return std::string(kDamaged);
    if (*rounds > kRoundsMax) return "more than 1000000 rounds take seconds for one look at a password; make it fewer";
    hash.remove_prefix(dollar + 1);
  }
  const std::size_t dollar = hash.find('$');
  const bool is_whole = dollar <= 16 && hash.size() - dollar - 1 == digest_length &&
                        is_crypt_text(hash.substr(0, dollar)) && is_crypt_text(hash.substr(dollar + 1));
  return is_whole ? std::string() : std::string(kDamaged);
}

// $y$j9T$salt$hash: the costs that mkpasswd offers up to 8 (64 MiB).
std::string explain_yescrypt(std::string_view hash) {
  const bool is_known =
      hash.size() > 8 && hash[3] == 'j' && hash.substr(5, 2) == "T$" && std::string_view("56789AB").contains(hash[4]);
  const std::size_t dollar = is_known ? hash.find('$', 7) : std::string_view::npos;
  if (dollar == std::string_view::npos) return "this kind of yescrypt is not known; write the line anew with mkpasswd";
  const bool is_whole = hash.size() - dollar - 1 == 43 && is_crypt_text(hash.substr(7, dollar - 7)) &&
                        is_crypt_text(hash.substr(dollar + 1));
  return is_whole ? std::string() : std::string(kDamaged);
}

}  // namespace

std::string explain_password_hash(std::string_view hash) {
  if (hash.starts_with("$2y$") || hash.starts_with("$2b$") || hash.starts_with("$2a$")) return explain_bcrypt(hash);
  if (hash.starts_with("$5$")) return explain_sha(hash, 43);
  if (hash.starts_with("$6$")) return explain_sha(hash, 86);
  if (hash.starts_with("$y$")) return explain_yescrypt(hash);
  return "this is no hash by bcrypt, SHA-crypt or yescrypt; write the line with htpasswd -B or mkpasswd";
}

bool password_matches(const std::string& password, const std::string& hash) {
  const auto room = std::make_unique<crypt_data>();
  const char* made = ::crypt_r(password.c_str(), hash.c_str(), room.get());
  const std::string_view result = made == nullptr ? std::string_view() : std::string_view(made);
  // Every byte is looked at, wherever the first difference is.
  unsigned difference = result.size() == hash.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(result.size(), hash.size()); ++i) {
    difference |= static_cast<unsigned char>(result[i] ^ hash[i]);
  }
  ::explicit_bzero(room.get(), sizeof(crypt_data));
  return difference == 0;
}

}  // namespace viaduct::os

// SPDX-License-Identifier: Apache-2.0
#include "filter/basic_auth.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/base64.h"
#include "base/bytes.h"
#include "base/sha256.h"
#include "exchange/exchange.h"
#include "exchange/services.h"

namespace viaduct::filter {

using exchange::FilterVerdict;

namespace {

std::uint64_t read_hex(std::string_view digits) {
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return number;
}

// A secret that the users have in common. One that were drawn at random would be another after a restart: whoever sees
// the time for a name change then, or not, would know whether it is a user.
base::HashKey key_of(const std::vector<config::PasswordEntry>& users) {
  constexpr std::size_t kDigits = 2 * sizeof(std::uint64_t);
  base::Sha256 digest;
  for (const config::PasswordEntry& entry : users) {
    for (const std::string& text : {entry.user, entry.hash.value}) {
      digest.update(text);
      digest.update("\n");
    }
  }
  const std::string digits = digest.finish();
  const std::string_view all = digits;
  return {.first = read_hex(all.substr(0, kDigits)), .second = read_hex(all.substr(kDigits, kDigits))};
}

}  // namespace

std::optional<Credentials> parse_basic(std::string_view authorization, base::Arena& arena) {
  constexpr std::string_view kScheme = "basic ";
  if (!base::equals_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' ', kScheme.size()), authorization.size()));
  char* bytes = arena.make_array<char>(base::base64_bytes_max(authorization.size()));
  const auto size = base::read_base64(authorization, bytes);
  if (!size) return std::nullopt;
  const std::string_view pair(bytes, *size);
  const std::size_t colon = pair.find(':');
  // A NUL would end the password before its end.
  if (colon == std::string_view::npos || pair.contains('\0')) return std::nullopt;
  return Credentials{.user = pair.substr(0, colon), .password = pair.substr(colon + 1)};
}

// One request that waits.
class BasicAuth::Wait final : public exchange::ActionRun, private exchange::PasswordWait {
 public:
  Wait(const BasicAuth& filter, exchange::Exchange& exchange, bool is_known_user)
      : filter_(filter), exchange_(exchange), is_known_user_(is_known_user) {}

  // False where too many wait.
  bool begin(const exchange::PasswordClaim& claim) {
    exchange::PasswordWait& wait = *this;
    return exchange_.services().passwords.check(claim, wait);
  }

  void start(bool) override {}
  void on_request_body(base::Buffer& body, bool) override { body.clear(); }
  void on_request_trailers(http::Fields&) override {}
  void on_client_writable() override {}
  void on_exchange_over() override {
    exchange::PasswordWait& wait = *this;
    exchange_.services().passwords.forget(wait);
  }

 private:
  void on_password_checked(bool matches) override {
    if (!matches || !is_known_user_) {
      filter_.refuse(exchange_);
      return;
    }
    filter_.pass(exchange_);
    exchange_.resume();
  }

  const BasicAuth& filter_;  // of the snapshot that the exchange keeps
  exchange::Exchange& exchange_;
  bool is_known_user_;
};

BasicAuth::BasicAuth(config::BasicAuth auth)
    : auth_(std::move(auth)), challenge_("Basic realm=\"" + auth_.realm + "\", charset=\"UTF-8\"") {
  std::ranges::sort(auth_.users, {}, &config::PasswordEntry::user);
  stand_in_key_ = key_of(auth_.users);
}

const config::PasswordEntry& BasicAuth::stand_in_for(std::string_view user) const {
  return auth_.users[base::keyed_hash(stand_in_key_, user) % auth_.users.size()];
}

FilterVerdict BasicAuth::on_request(exchange::Exchange& exchange) const {
  const http::Fields& fields = exchange.request().fields;
  const std::string_view authorization = fields.value(http::FieldName::kAuthorization);
  if (auth_.users.empty() || fields.count(http::FieldName::kAuthorization) != 1) return refuse(exchange);
  const auto credentials = parse_basic(authorization, exchange.arena());
  if (!credentials) return refuse(exchange);
  const auto found = std::ranges::lower_bound(
      auth_.users, credentials->user, {}, [](const config::PasswordEntry& row) { return std::string_view(row.user); });
  const bool is_known_user = found != auth_.users.end() && found->user == credentials->user;
  const config::PasswordEntry& entry = is_known_user ? *found : stand_in_for(credentials->user);
  const exchange::PasswordClaim claim{
      .user = credentials->user, .password = credentials->password, .hash = entry.hash.value};
  if (is_known_user && exchange.services().passwords.knows(claim)) {
    pass(exchange);
    return FilterVerdict::kContinue;
  }
  auto wait = exchange.arena().make_owned<Wait>(*this, exchange, is_known_user);
  if (!wait->begin(claim)) {
    exchange.fail(http::Reason::kPasswordQueueFull);
    return FilterVerdict::kAnswered;
  }
  exchange.wait(std::move(wait));
  return FilterVerdict::kWaits;
}

FilterVerdict BasicAuth::refuse(exchange::Exchange& exchange) const {
  exchange.set_challenge(challenge_);
  exchange.fail(http::Reason::kUnauthorized);
  return FilterVerdict::kAnswered;
}

void BasicAuth::pass(exchange::Exchange& exchange) const {
  if (!auth_.forward) exchange.request().fields.remove(http::FieldName::kAuthorization);
}

}  // namespace viaduct::filter

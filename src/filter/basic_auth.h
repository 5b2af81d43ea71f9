// SPDX-License-Identifier: Apache-2.0
// Lets those through who name a user of the file and say the password (RFC 7617), and asks the others for it with 401.
// Whoever has not been known for a while waits for the worker's PasswordChecker; the request stands still meanwhile,
// the worker does not. Unknown users take as long as known ones: the hash that their passwords are compared with is
// that of one of the users, chosen by their name, so that neither the time nor differences of it tell the two apart.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/hash.h"
#include "config/types.h"
#include "exchange/filter.h"

namespace viaduct::filter {

// What a client says in Authorization.
struct Credentials {
  std::string_view user;
  std::string_view password;
};

// The credentials of an Authorization field with the scheme Basic, made in `arena`. Absent where it is something else.
std::optional<Credentials> parse_basic(std::string_view authorization, base::Arena& arena);

class BasicAuth final : public exchange::Filter {
 public:
  // Copies `auth`.
  explicit BasicAuth(config::BasicAuth auth);
  exchange::FilterVerdict on_request(exchange::Exchange& exchange) const override;
  // Whose hash stands in for that of `user`, whom the file does not have: the same as long as the file does not change,
  // and known to nobody who has not read it. REQUIRES: there are users.
  const config::PasswordEntry& stand_in_for(std::string_view user) const;
  void on_response(exchange::Exchange&, http::ResponseHead&) const override {}

 private:
  class Wait;

  exchange::FilterVerdict refuse(exchange::Exchange& exchange) const;
  // The request goes on.
  void pass(exchange::Exchange& exchange) const;

  config::BasicAuth auth_;  // users in the order of their names
  std::string challenge_;
  base::HashKey stand_in_key_;
};

}  // namespace viaduct::filter

// SPDX-License-Identifier: Apache-2.0
// The config's `headers`: removes, sets and adds fields of requests and of every answer, in that order. A request's
// fields whose names differ from those removed or set by `_` for `-` alone go too, since CGI and WSGI (RFC 3875
// §4.1.18) cannot tell them apart. Stateless; shared by all workers.
#pragma once

#include <string>
#include <vector>

#include "config/types.h"
#include "exchange/filter.h"

namespace viaduct::filter {

class EditFields final : public exchange::Filter {
 public:
  explicit EditFields(const config::HeaderEdits& edits);
  exchange::FilterVerdict on_request(exchange::Exchange& exchange) const override;
  void on_response(exchange::Exchange& exchange, http::ResponseHead& head) const override;

 private:
  // The edits of one direction.
  struct Edits {
    std::vector<std::string> remove;
    std::vector<std::pair<std::string, std::string>> set;
    std::vector<std::pair<std::string, std::string>> add;
  };
  static Edits prepare(const config::FieldEdits& edits);
  static void apply(const Edits& edits, http::Fields& fields);
  void remove_imitations(http::Fields& fields) const;

  Edits request_;
  Edits response_;
};

}  // namespace viaduct::filter

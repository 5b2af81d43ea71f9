// SPDX-License-Identifier: Apache-2.0
// The config's `headers`: removes, sets and adds fields of requests and of every answer, in that order; their values
// may hold variables of the request, of which ${path} and ${query} are as received. A request's fields whose names
// differ from those removed or set by `_` for `-` alone go too, since CGI and WSGI (RFC 3875 §4.1.18) cannot tell them
// apart. Stateless; shared by all workers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/types.h"
#include "exchange/filter.h"
#include "exchange/text_template.h"

namespace viaduct::filter {

class EditFields final : public exchange::Filter {
 public:
  // Fails where a value names an unknown variable, as one of the environment can bring; the error never holds the text.
  static base::Result<std::unique_ptr<EditFields>> make(const config::HeaderEdits& edits);
  exchange::FilterVerdict on_request(exchange::Exchange& exchange) const override;
  void on_response(exchange::Exchange& exchange, http::ResponseHead& head) const override;

 private:
  struct Line {
    std::string name;
    std::string value;
    std::optional<exchange::TextTemplate> filled_in;  // instead of `value`
  };
  // The edits of one direction.
  struct Edits {
    std::vector<std::string> remove;
    std::vector<Line> set;
    std::vector<Line> add;
  };
  using Values = std::vector<std::pair<std::string, config::FieldValue>>;
  static base::Result<std::vector<Line>> prepare(const Values& values);
  static base::Result<Edits> prepare(const config::FieldEdits& edits);
  static void apply(const Edits& edits, exchange::Exchange& exchange, http::Fields& fields);
  void remove_imitations(http::Fields& fields) const;

  Edits request_;
  Edits response_;
};

}  // namespace viaduct::filter

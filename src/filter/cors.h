// SPDX-License-Identifier: Apache-2.0
// Cross-origin resource sharing at the edge, as the WHATWG Fetch standard defines it: answers preflights, puts the
// fields on every answer to an allowed origin and takes the upstream's own away, so that they are never doubled.
// Stateless; shared by all workers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/types.h"
#include "exchange/filter.h"
#include "http/reason.h"

namespace viaduct::filter {

class Cors final : public exchange::Filter {
 public:
  explicit Cors(const config::Cors& config);
  exchange::FilterVerdict on_request(exchange::Exchange& exchange) const override;
  void on_response(exchange::Exchange& exchange, http::ResponseHead& head) const override;

  // Whether a page of `origin` may use the route.
  bool is_origin_allowed(std::string_view origin) const;
  // Why a preflight is refused; kNone when it is not. REQUIRES: is_preflight(request).
  http::Reason judge_preflight(const http::RequestHead& request) const;

 private:
  // "https://*.example.com": what stands before and behind the star.
  struct Pattern {
    std::string before;
    std::string behind;
  };

  bool is_method_allowed(std::string_view method) const;
  bool is_header_allowed(std::string_view name) const;
  bool are_headers_allowed(std::string_view list) const;
  void add_preflight_fields(http::Fields& fields) const;

  bool any_origin_ = false;
  bool any_method_ = false;
  bool any_header_ = false;
  bool allow_credentials_;
  std::vector<std::string> origins_;
  std::vector<Pattern> patterns_;
  std::vector<std::string> methods_;
  std::vector<std::string> headers_;
  std::string methods_text_;
  std::string headers_text_;
  std::string expose_text_;
  std::string max_age_text_;
};

// OPTIONS with Origin and Access-Control-Request-Method.
bool is_preflight(const http::RequestHead& request);

}  // namespace viaduct::filter

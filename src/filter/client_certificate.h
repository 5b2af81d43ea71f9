// SPDX-License-Identifier: Apache-2.0
// Tells the upstream which certificate the client has shown, by the field Client-Cert (RFC 9440), where the site asks
// for one. What clients send under that name never gets here (http/hop_by_hop). Stateless; shared by all workers.
#pragma once

#include <string>
#include <utility>

#include "exchange/filter.h"

namespace viaduct::filter {

class ClientCertificate final : public exchange::Filter {
 public:
  // `client_ca` is the site's: on a connection that began with another site, a certificate may have been believed by
  // another authority's word, which is worth nothing here.
  explicit ClientCertificate(std::string client_ca) : client_ca_(std::move(client_ca)) {}
  exchange::FilterVerdict on_request(exchange::Exchange& exchange) const override;
  void on_response(exchange::Exchange&, http::ResponseHead&) const override {}

 private:
  std::string client_ca_;
};

}  // namespace viaduct::filter

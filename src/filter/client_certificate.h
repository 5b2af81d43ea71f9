// SPDX-License-Identifier: Apache-2.0
// Tells the upstream which certificate the client has shown, by the field Client-Cert (RFC 9440), where the site asks
// for one and believes it: on a connection that began with another site, it may have been believed by the word of an
// authority that is worth nothing here. What clients send under that name never gets here (http/hop_by_hop). Stateless;
// shared by all workers.
#pragma once

#include "exchange/filter.h"

namespace viaduct::filter {

class ClientCertificate final : public exchange::Filter {
 public:
  exchange::FilterVerdict on_request(exchange::Exchange& exchange) const override;
  void on_response(exchange::Exchange&, http::ResponseHead&) const override {}
};

}  // namespace viaduct::filter

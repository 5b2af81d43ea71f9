// SPDX-License-Identifier: Apache-2.0
#include "filter/client_certificate.h"

#include "exchange/exchange.h"

namespace viaduct::filter {

exchange::FilterVerdict ClientCertificate::on_request(exchange::Exchange& exchange) const {
  // Copied, since the request may outlive the client's connection.
  if (exchange.shows_certificate()) {
    exchange.request().fields.add(http::FieldName::kClientCert, exchange.client().tls->client_certificate);
  }
  return exchange::FilterVerdict::kContinue;
}

}  // namespace viaduct::filter

// SPDX-License-Identifier: Apache-2.0
#include "filter/client_certificate.h"

#include "exchange/exchange.h"

namespace viaduct::filter {

exchange::FilterVerdict ClientCertificate::on_request(exchange::Exchange& exchange) const {
  const net::TlsInfo* tls = exchange.client().tls;
  // Copied, since the request may outlive the client's connection.
  if (tls != nullptr && tls->client_ca == client_ca_) {
    exchange.request().fields.add(http::FieldName::kClientCert, tls->client_certificate);
  }
  return exchange::FilterVerdict::kContinue;
}

}  // namespace viaduct::filter

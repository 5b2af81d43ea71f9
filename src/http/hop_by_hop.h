// SPDX-License-Identifier: Apache-2.0
// Removes the fields that describe one connection and must not travel on (RFC 9110 §7.6.1), from heads in both
// directions and from trailers (§6.5.1). What is left may be sent to the next hop, whose own fields the codecs add.
// In place, nothing is allocated; any thread.
#pragma once

#include <cstddef>
#include <string_view>

#include "http/fields.h"

namespace viaduct::http {

// How many fields that are not known here `Connection` may name; what it names beyond that travels on.
inline constexpr std::size_t kConnectionOptionsMax = 16;

// Removes Connection with the fields that it names, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade,
// HTTP2-Settings, TE (this program speaks for itself which trailers it takes), Proxy-Authenticate and
// Proxy-Authorization (they are between a client and a forward proxy, which this is not, so they would reach somebody
// whom they do not concern) and Expect, which is answered here. Client-Cert and Client-Cert-Chain go, too, and what CGI
// and WSGI cannot tell from them, `_` in the place of `-`: they say who is at the other end of this connection, and
// only this end knows that (RFC 9440 §2.4, §4).
//
// Called before any filter sets a field: `Connection` may name what the sender sent, never what is added here.
void remove_hop_by_hop_request(Fields& fields);
// The same without Expect and the certificates, which mean nothing in a response and are none of our business there.
void remove_hop_by_hop_response(Fields& fields);

// The fields that RFC 9113 §8.2.2 keeps out of HTTP/2: Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding and
// Upgrade.
constexpr bool is_connection_specific(FieldName id) {
  return id == FieldName::kConnection || id == FieldName::kKeepAlive || id == FieldName::kProxyConnection ||
         id == FieldName::kTransferEncoding || id == FieldName::kUpgrade;
}

// True when `Connection: name` does not remove the field: every name of http/field_name.h that is not about a
// connection, and names by which others recognise a client, trust a message or understand it. Whoever could strip
// those from a request that passes would choose what the upstream believes.
bool is_protected(std::string_view name);

// Removes what RFC 9110 §6.5.1 keeps out of trailers: fields about framing, routing, authentication, and everything
// else that changes how a message is read, since many programs merge trailers into the head. Digests, signatures, ETag
// and names that are not known here stay.
void remove_hop_by_hop_trailers(Fields& trailers);

}  // namespace viaduct::http

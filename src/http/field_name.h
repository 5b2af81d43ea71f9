// SPDX-License-Identifier: Apache-2.0
// The header field names that this program has an opinion about, as small numbers, so that a field is looked up by
// number and not by text. Names compare without case (RFC 9110 §5.1); every other name is kOther and keeps its text.
#pragma once

#include <cstdint>
#include <string_view>

namespace viaduct::http {

// X(enumerator, canonical spelling)
#define VIADUCT_FIELD_NAMES(X)                                                 \
  X(kAccept, "Accept")                                                         \
  X(kAcceptEncoding, "Accept-Encoding")                                        \
  X(kAcceptRanges, "Accept-Ranges")                                            \
  X(kAccessControlAllowCredentials, "Access-Control-Allow-Credentials")        \
  X(kAccessControlAllowHeaders, "Access-Control-Allow-Headers")                \
  X(kAccessControlAllowMethods, "Access-Control-Allow-Methods")                \
  X(kAccessControlAllowOrigin, "Access-Control-Allow-Origin")                  \
  X(kAccessControlAllowPrivateNetwork, "Access-Control-Allow-Private-Network") \
  X(kAccessControlExposeHeaders, "Access-Control-Expose-Headers")              \
  X(kAccessControlMaxAge, "Access-Control-Max-Age")                            \
  X(kAccessControlRequestHeaders, "Access-Control-Request-Headers")            \
  X(kAccessControlRequestMethod, "Access-Control-Request-Method")              \
  X(kAllow, "Allow")                                                           \
  X(kAuthorization, "Authorization")                                           \
  X(kCacheControl, "Cache-Control")                                            \
  X(kClientCert, "Client-Cert")                                                \
  X(kClientCertChain, "Client-Cert-Chain")                                     \
  X(kConnection, "Connection")                                                 \
  X(kContentEncoding, "Content-Encoding")                                      \
  X(kContentLength, "Content-Length")                                          \
  X(kContentRange, "Content-Range")                                            \
  X(kContentType, "Content-Type")                                              \
  X(kCookie, "Cookie")                                                         \
  X(kDate, "Date")                                                             \
  X(kEtag, "ETag")                                                             \
  X(kExpect, "Expect")                                                         \
  X(kForwarded, "Forwarded")                                                   \
  X(kHost, "Host")                                                             \
  X(kHttp2Settings, "HTTP2-Settings")                                          \
  X(kIfMatch, "If-Match")                                                      \
  X(kIfModifiedSince, "If-Modified-Since")                                     \
  X(kIfNoneMatch, "If-None-Match")                                             \
  X(kIfRange, "If-Range")                                                      \
  X(kIfUnmodifiedSince, "If-Unmodified-Since")                                 \
  X(kKeepAlive, "Keep-Alive")                                                  \
  X(kLastModified, "Last-Modified")                                            \
  X(kLocation, "Location")                                                     \
  X(kOrigin, "Origin")                                                         \
  X(kPriority, "Priority")                                                     \
  X(kProxyAuthenticate, "Proxy-Authenticate")                                  \
  X(kProxyAuthorization, "Proxy-Authorization")                                \
  X(kProxyConnection, "Proxy-Connection")                                      \
  X(kRange, "Range")                                                           \
  X(kReferer, "Referer")                                                       \
  X(kRetryAfter, "Retry-After")                                                \
  X(kServer, "Server")                                                         \
  X(kSetCookie, "Set-Cookie")                                                  \
  X(kStrictTransportSecurity, "Strict-Transport-Security")                     \
  X(kTe, "TE")                                                                 \
  X(kTrailer, "Trailer")                                                       \
  X(kTransferEncoding, "Transfer-Encoding")                                    \
  X(kUpgrade, "Upgrade")                                                       \
  X(kUserAgent, "User-Agent")                                                  \
  X(kVary, "Vary")                                                             \
  X(kWwwAuthenticate, "WWW-Authenticate")                                      \
  X(kXForwardedFor, "X-Forwarded-For")                                         \
  X(kXForwardedHost, "X-Forwarded-Host")                                       \
  X(kXForwardedPort, "X-Forwarded-Port")                                       \
  X(kXForwardedProto, "X-Forwarded-Proto")                                     \
  X(kXRealIp, "X-Real-IP")                                                     \
  X(kXRequestId, "X-Request-ID")

enum class FieldName : std::uint8_t {
  kOther,
#define VIADUCT_FIELD_ENUM(enumerator, spelling) enumerator,
  VIADUCT_FIELD_NAMES(VIADUCT_FIELD_ENUM)
#undef VIADUCT_FIELD_ENUM
};

// The number of `name`, compared without case; kOther for every name that is not in the table. One perfect hash and
// one comparison.
FieldName find_field_name(std::string_view name);
// The canonical spelling; empty for kOther.
std::string_view field_name_text(FieldName name);

}  // namespace viaduct::http

// SPDX-License-Identifier: Apache-2.0
// Why an exchange did not end with an answer that somebody else gave: one row for each refusal and failure, with the
// name that log and metrics show and the status that the client gets. One table, so that no refusal is without a name.
// RFC 9110 §15 for the statuses.
#pragma once

#include <cstdint>
#include <string_view>

namespace viaduct::http {

// X(enumerator, name in logs and metrics, status sent to the client where an answer is still possible, sentence)
#define VIADUCT_REASONS(X)                                                                                         \
  X(kNone, "", 0, "")                                                                                              \
  X(kMalformedRequestLine, "malformed_request_line", 400, "The request line is malformed.")                        \
  X(kMalformedHeader, "malformed_header", 400, "A header field is malformed.")                                     \
  X(kInvalidHost, "invalid_host", 400, "The Host field is not a valid host.")                                      \
  X(kMissingHost, "missing_host", 400, "The Host field is missing.")                                               \
  X(kConflictingFraming, "conflicting_framing", 400, "The length of the body is stated in conflicting ways.")      \
  X(kInvalidContentLength, "invalid_content_length", 400, "Content-Length is not one number.")                     \
  X(kInvalidTransferEncoding, "invalid_transfer_encoding", 400, "Transfer-Encoding is malformed.")                 \
  X(kUnsupportedTransferEncoding, "unsupported_transfer_encoding", 501, "This transfer coding is not known here.") \
  X(kInvalidChunk, "invalid_chunk", 400, "The chunked body is malformed.")                                         \
  X(kUnsupportedVersion, "unsupported_version", 505, "This HTTP version is not known here.")                       \
  X(kUnsupportedMethod, "unsupported_method", 501, "This method is not known here.")                               \
  X(kUnsupportedExpectation, "unsupported_expectation", 417, "This expectation is not known here.")                \
  X(kTargetTooLong, "target_too_long", 414, "The request target is too long.")                                     \
  X(kHeadersTooLarge, "headers_too_large", 431, "The header fields are too large.")                                \
  X(kTooManyFields, "too_many_fields", 431, "There are too many header fields.")                                   \
  X(kBodyTooLarge, "body_too_large", 413, "The body is too large.")                                                \
  X(kHeaderTimeout, "header_timeout", 408, "The request did not arrive in time.")                                  \
  X(kBodyTimeout, "body_timeout", 408, "The request body did not arrive in time.")                                 \
  X(kRateTooLow, "rate_too_low", 408, "The connection is too slow.")                                               \
  X(kHostUnknown, "host_unknown", 421, "This host is not served here.")                                            \
  X(kNoRoute, "no_route", 404, "There is nothing at this address.")                                                \
  X(kMethodNotAllowed, "method_not_allowed", 405, "This method is not allowed here.")                              \
  X(kPathInvalid, "path_invalid", 400, "The path is malformed.")                                                   \
  X(kPathAmbiguous, "path_ambiguous", 400, "The path can be read in two ways.")                                    \
  X(kPathDenied, "path_denied", 403, "Access to this address is denied.")                                          \
  X(kAddressNotAllowed, "address_not_allowed", 403, "Access from this address is denied.")                         \
  X(kCorsOriginNotAllowed, "cors_origin_not_allowed", 403, "This origin is not allowed here.")                     \
  X(kCorsMethodNotAllowed, "cors_method_not_allowed", 403, "This method is not allowed across origins.")           \
  X(kCorsHeaderNotAllowed, "cors_header_not_allowed", 403, "This header field is not allowed across origins.")     \
  X(kStaticNotFound, "static_not_found", 404, "There is nothing at this address.")                                 \
  X(kStaticForbidden, "static_forbidden", 403, "Access to this address is denied.")                                \
  X(kStaticReadFailed, "static_read_failed", 500, "The file could not be read.")                                   \
  X(kRangeNotSatisfiable, "range_not_satisfiable", 416, "The requested range does not exist.")                     \
  X(kPreconditionFailed, "precondition_failed", 412, "A precondition of the request does not hold.")               \
  X(kUnauthorized, "unauthorized", 401, "A name and a password are needed here.")                                  \
  X(kPasswordQueueFull, "password_queue_full", 503, "Too many passwords wait to be checked.")                      \
  X(kClientCertificateMissing, "client_certificate_missing", 421, "This connection is not for this host.")         \
  X(kRateLimited, "rate_limited", 429, "There are too many requests.")                                             \
  X(kConnectionLimit, "connection_limit", 503, "There are too many connections.")                                  \
  X(kHandshakeLimit, "handshake_limit", 503, "There are too many handshakes.")                                     \
  X(kMemoryLimit, "memory_limit", 503, "The server has no memory left.")                                           \
  X(kProxyProtocolInvalid, "proxy_protocol_invalid", 400, "The connection does not say for whom it is.")           \
  X(kProxyProtocolTimeout, "proxy_protocol_timeout", 408, "The connection did not say in time for whom it is.")    \
  X(kProxySenderNotAllowed, "proxy_sender_not_allowed", 403, "Access from this address is denied.")                \
  X(kServerDraining, "server_draining", 503, "The server is shutting down.")                                       \
  X(kInternalError, "internal_error", 500, "Something went wrong here.")                                           \
  X(kH2ProtocolError, "h2_protocol_error", 400, "The connection does not follow HTTP/2.")                          \
  X(kH2FlowControlError, "h2_flow_control_error", 400, "The connection does not keep to its windows.")             \
  X(kH2CompressionError, "h2_compression_error", 400, "The header fields cannot be decompressed.")                 \
  X(kH2HeaderFlood, "h2_header_flood", 431, "The header fields are too large.")                                    \
  X(kH2ResetFlood, "h2_reset_flood", 429, "There are too many resets.")                                            \
  X(kH2ContinuationFlood, "h2_continuation_flood", 431, "The header fields come in too many frames.")              \
  X(kH2SettingsFlood, "h2_settings_flood", 429, "There are too many settings.")                                    \
  X(kH2PingFlood, "h2_ping_flood", 429, "There are too many pings.")                                               \
  X(kH2PriorityFlood, "h2_priority_flood", 429, "There are too many priorities.")                                  \
  X(kH2EmptyFrameFlood, "h2_empty_frame_flood", 429, "There are too many empty frames.")                           \
  X(kH2WindowUpdateFlood, "h2_window_update_flood", 429, "There are too many window updates.")                     \
  X(kTlsPlainHttp, "tls_plain_http", 400, "Plain HTTP was spoken to a TLS port.")                                  \
  X(kTlsInvalid, "tls_invalid", 400, "What came is not TLS.")                                                      \
  X(kTlsVersion, "tls_version_not_allowed", 400, "This version of TLS is not allowed here.")                       \
  X(kTlsNoSharedCipher, "tls_no_shared_cipher", 400, "There is no cipher suite in common.")                        \
  X(kTlsNoSharedGroup, "tls_no_shared_group", 400, "There is no key exchange in common.")                          \
  X(kTlsNoProtocol, "tls_no_application_protocol", 400, "There is no application protocol in common.")             \
  X(kTlsCertificateRefused, "tls_certificate_refused", 400, "The client refused the certificate.")                 \
  X(kTlsClientCertificateMissing, "tls_client_certificate_missing", 400, "The client showed no certificate.")      \
  X(kTlsClientCertificateRefused, "tls_client_certificate_refused", 400, "The certificate is not valid here.")     \
  X(kTlsClientAlert, "tls_client_alert", 400, "The client ended the handshake.")                                   \
  X(kTlsClosed, "tls_closed", 400, "The connection ended during the handshake.")                                   \
  X(kTlsTimeout, "tls_timeout", 408, "The handshake did not end in time.")                                         \
  X(kTlsFailed, "tls_failed", 400, "The handshake failed.")                                                        \
  X(kRenegotiationFlood, "renegotiation_flood", 429, "There are too many renegotiations.")                         \
  X(kClientClosed, "client_closed", 499, "The client went away.")                                                  \
  X(kClientReadTimeout, "client_read_timeout", 499, "The client stopped reading.")                                 \
  X(kUpstreamConnectRefused, "upstream_connect_refused", 502, "The service cannot be reached.")                    \
  X(kUpstreamConnectTimeout, "upstream_connect_timeout", 504, "The service cannot be reached in time.")            \
  X(kUpstreamConnectFailed, "upstream_connect_failed", 502, "The service cannot be reached.")                      \
  X(kUpstreamConnectExhausted, "upstream_connect_exhausted", 502, "The service cannot be reached.")                \
  X(kUpstreamTlsFailed, "upstream_tls_failed", 502, "The service cannot be reached safely.")                       \
  X(kUpstreamCertificateInvalid, "upstream_certificate_invalid", 502, "The service cannot be reached safely.")     \
  X(kUpstreamNameUnresolved, "upstream_name_unresolved", 502, "The service cannot be reached.")                    \
  X(kUpstreamAddressForbidden, "upstream_address_forbidden", 502, "The service cannot be reached.")                \
  X(kUpstreamUnavailable, "upstream_unavailable", 503, "The service is not available.")                            \
  X(kUpstreamQueueFull, "upstream_queue_full", 503, "The service is overloaded.")                                  \
  X(kUpstreamQueueTimeout, "upstream_queue_timeout", 503, "The service is overloaded.")                            \
  X(kUpstreamSendTimeout, "upstream_send_timeout", 504, "The service did not take the request in time.")           \
  X(kUpstreamHeaderTimeout, "upstream_header_timeout", 504, "The service did not answer in time.")                 \
  X(kUpstreamReadTimeout, "upstream_read_timeout", 504, "The service stopped in the middle of its answer.")        \
  X(kUpstreamTotalTimeout, "upstream_total_timeout", 504, "The service did not answer in time.")                   \
  X(kUpstreamClosed, "upstream_closed", 502, "The service did not answer.")                                        \
  X(kUpstreamReset, "upstream_reset", 502, "The service did not answer.")                                          \
  X(kUpstreamStreamReset, "upstream_stream_reset", 502, "The service gave the request up.")                        \
  X(kUpstreamRefusedStream, "upstream_refused_stream", 503, "The service takes no more requests.")                 \
  X(kUpstreamInvalidResponse, "upstream_invalid_response", 502, "The service gave an invalid answer.")             \
  X(kUpstreamTruncated, "upstream_truncated", 502, "The answer of the service ended early.")                       \
  X(kWebsocketRefused, "websocket_refused", 502, "There is no WebSocket at this address.")                         \
  X(kWebsocketIdle, "websocket_idle", 504, "Both sides were silent for too long.")

enum class Reason : std::uint8_t {
#define VIADUCT_REASON_ENUM(enumerator, name, status, sentence) enumerator,
  VIADUCT_REASONS(VIADUCT_REASON_ENUM)
#undef VIADUCT_REASON_ENUM
};

// The name that log lines and metrics show, empty for kNone.
std::string_view reason_name(Reason reason);
// The status of our own answer for `reason`, 0 for kNone.
int reason_status(Reason reason);
// One sentence for whoever called us; it tells nothing about the inside.
std::string_view reason_sentence(Reason reason);
// Whether Viaduct, or what is behind it, failed a request that was right: reasons with a status from 500 on, but not
// those that a client brings about alone, nor an end that was due.
bool is_our_failure(Reason reason);

}  // namespace viaduct::http

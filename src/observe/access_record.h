// SPDX-License-Identifier: Apache-2.0
// What the access log says about one exchange: a plain struct that is filled while the exchange passes and rendered
// once at its end. It allocates nothing; its views point into the exchange's arena, the snapshot or constants, and live
// at least until AccessLog::write() has returned. Texts from the client stand here as received; whoever renders escapes
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ip.h"
#include "base/time.h"
#include "http/reason.h"

namespace viaduct::observe {

// An empty text is one that is not known (refused before it was read) or does not apply; so is an absent duration.
struct AccessRecord {
  base::WallTime time{};  // when the exchange ended
  std::string_view request_id;
  base::IpAddress client_ip;      // behind trusted proxies: the rightmost that is not trusted
  std::uint16_t client_port = 0;  // 0: none
  std::string_view site;          // the first of its hosts
  std::string_view route;
  std::string_view method;
  std::string_view host;     // as received, with port
  std::string_view path;     // as received, without the query
  std::string_view query;    // as received, without the question mark
  std::string_view version;  // http::version_text()
  std::string_view tls_version;
  std::string_view tls_cipher;
  int status = 0;               // sent to the client; 499 when it had gone
  std::uint64_t bytes_in = 0;   // of the request's body
  std::uint64_t bytes_out = 0;  // of the response's body
  std::string_view upstream;
  std::string_view server;                        // the last that was tried
  std::string_view chosen;                        // why that one
  std::uint32_t attempts = 0;                     // servers tried
  base::Duration total{};                         // from the first byte of the request to the last of the response
  std::optional<base::Duration> wait;             // until a server was ready for the request
  std::optional<base::Duration> connect;          // absent on a connection that was kept
  std::optional<base::Duration> tls;              // the handshake with the server
  std::optional<base::Duration> upstream_header;  // from sending the request to the head of the answer
  std::optional<base::Duration> upstream_time;    // from sending the request to the end of the answer
  http::Reason reason = http::Reason::kNone;
  std::string_view user_agent;
  std::string_view referer;  // as received; its query is never shown
};

}  // namespace viaduct::observe

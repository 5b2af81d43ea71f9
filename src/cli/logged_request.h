// SPDX-License-Identifier: Apache-2.0
// One request as a line of an access log tells it: Viaduct's JSON, or the "combined" format of Apache, nginx, lighttpd
// and Viaduct, also with a host ahead of the address (Apache's vhost_combined) or in the second column (lighttpd).
// Lines come from others and may hold anything. A pure function; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace viaduct::cli {

struct LoggedRequest {
  std::string method;
  std::string host;  // empty: the line does not say
  std::string
      target;  // path and query; in the JSON log the query's values are masked, unless the config says otherwise
  std::string client_ip;
  int status = 0;  // 0: the client got none

  // The JSON log alone.
  bool is_decided = false;  // the four below are known
  std::string site;
  std::string route;
  std::string reason;
  std::string upstream;
};

// Lines longer than this are not read.
inline constexpr std::size_t kLogLineBytesMax = std::size_t{64} * 1024;

// Absent where `line` is of no known format, or tells of no request (a connection that sent none).
std::optional<LoggedRequest> read_logged_request(std::string_view line);

}  // namespace viaduct::cli

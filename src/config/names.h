// SPDX-License-Identifier: Apache-2.0
// The rules for names in a config: hosts, field names and values, methods, paths, and the names of routes and
// upstreams. Each takes the text as written and gives the text to keep, or "what is wrong; what to do". Pure functions;
// any thread.
#pragma once

#include <string>
#include <string_view>

#include "config/units.h"

namespace viaduct::config {

// A host of a site: a name or address without port, or "*.example.com". Kept in lower case. RFC 9110 §4.2.3.
Parsed<std::string> check_host(const std::string& text);
// A host with an optional port, as a literal Host field has it.
Parsed<std::string> check_host_field(const std::string& text);
// A field name. RFC 9110 §5.1.
Parsed<std::string> check_field_name(const std::string& text);
// A field name that a config may edit: not the hop-by-hop and framing fields, nor Host in a request.
Parsed<std::string> check_editable_field(const std::string& text);
// A field value: no control characters. The error never holds the value. RFC 9110 §5.5.
Parsed<std::string> check_field_value(const std::string& text);
// A method: a token in capitals.
Parsed<std::string> check_method(const std::string& text);
// What CORS calls an origin: "*", "null", scheme://host[:port], or such with "*." before the host.
Parsed<std::string> check_cors_origin(const std::string& text);
// A decoded path of a route or of deny: starts with "/", has no dot segments, no empty ones and no escapes.
Parsed<std::string> check_path(const std::string& text);
// What takes the place of a match of rewrite.regex: a decoded path where \0 to \9 are groups, then perhaps a query.
Parsed<std::string> check_replacement(const std::string& text);
// The name of a route or upstream, as logs and metrics show it: letters, digits, ".", "_", "-", at most 64 of them.
Parsed<std::string> check_name(const std::string& text);
// A regular expression is checked where RE2 is at home; here it must be there at all.
Parsed<std::string> check_regex(const std::string& text);

}  // namespace viaduct::config

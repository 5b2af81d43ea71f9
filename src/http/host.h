// SPDX-License-Identifier: Apache-2.0
// Which host a request is for (RFC 9112 §3.2, RFC 9110 §7.2): the one place where Host, an absolute-form target and
// :authority are weighed against each other, so that no request reaches a site under one name and an upstream under
// another. Pure functions; any thread.
#pragma once

#include <expected>
#include <optional>
#include <string_view>

#include "http/fields.h"
#include "http/message.h"
#include "http/reason.h"

namespace viaduct::http {

// True when `text` is a host with an optional port and nothing else: base::split_authority says which characters.
bool is_host(std::string_view text);

// The authority that a request is for; empty where it names none, which HTTP/1.0 alone may do. `target_authority` is
// the authority of an absolute-form target or :authority, absent for every other target.
//
// kMissingHost: HTTP/1.1 without a Host line (RFC 9112 §3.2 asks for one whatever the target is), HTTP/2 with neither.
// kInvalidHost: two Host lines, a Host or target authority that is no host; also an empty one, as http and https URIs
// have no empty host (RFC 9110 §4.2.1); in HTTP/2 two different ones (RFC 9113 §8.3.1). On HTTP/1 the authority of the
// target wins over a Host that differs (RFC 9112 §3.2.2); the caller forwards it as the Host.
std::expected<std::string_view, Reason> find_authority(const Fields& fields, Version version,
                                                       std::optional<std::string_view> target_authority);

}  // namespace viaduct::http

// SPDX-License-Identifier: Apache-2.0
// Request targets, authorities and paths as views: taking them apart (RFC 9112 §3.2, RFC 3986 §3), decoding and
// encoding escapes (RFC 3986 §2.1) and the steps by which servers read a path (dot segments, empty segments,
// backslashes). Nothing here decides which reading is right: that is route/. Nothing allocates; what changes a text
// writes into the caller's bytes. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace viaduct::base {

// The four forms of a request target, RFC 9112 §3.2.
enum class TargetForm : std::uint8_t {
  kOrigin,     // "/path?query", the origin-form
  kAbsolute,   // "http://host/path?query"
  kAuthority,  // "host:443", CONNECT alone
  kAsterisk,   // "*", OPTIONS alone
};

// A request target taken apart. All views point into the text that was split.
struct Target {
  TargetForm form = TargetForm::kOrigin;
  std::string_view scheme;     // kAbsolute alone, as received
  std::string_view authority;  // kAbsolute and kAuthority
  // As received. Empty where an absolute-form target has none: it is forwarded as "/" then, or as "*" for OPTIONS
  // without a query (RFC 9112 §3.2.4). "*" for kAsterisk.
  std::string_view path;
  std::string_view query;  // without its '?'
  bool has_query = false;  // tells "/a?" from "/a"
  // Path and query together: the bytes to forward in origin-form.
  std::string_view path_and_query;
};

// Takes a request target apart. Absent when it is none of the four forms, holds a control character, a space, DEL or
// '#', or its authority is not valid. Bytes above 0x7f are taken (clients send raw UTF-8), as are the visible ASCII
// characters that RFC 3986 leaves out; escapes are not looked at.
std::optional<Target> split_target(std::string_view text);

// A host with an optional port, as Host, :authority and absolute-form targets give it.
struct Authority {
  std::string_view host;              // as received; an IPv6 address without its brackets
  std::optional<std::uint16_t> port;  // absent also for "host:" (RFC 3986 §3.2.3)
  bool is_ipv6 = false;
};

// Takes an authority apart. Absent for anything that is not a host: userinfo (RFC 9110 §4.2.4), an empty host, escapes,
// characters outside letters, digits and "-._~", a port that is not 1 to 65535, a bracketed text that is no IPv6
// address.
std::optional<Authority> split_authority(std::string_view text);

// What becomes of %2F: a server either splits the path at it or takes it for a character within a segment.
enum class SlashEscapes : std::uint8_t { kDecode, kKeep };

// True when every '%' is followed by two hexadecimal digits.
bool has_valid_escapes(std::string_view text);

// Decodes the escapes of `text` once, from left to right, into `out` and returns the length. Malformed escapes stay as
// they are. `out` has room for text.size() bytes and may be where `text` is.
std::size_t percent_decode(std::string_view text, char* out, SlashEscapes slashes = SlashEscapes::kDecode);

// Encodes what may not stand in a path (RFC 3986 §3.3), '%' among it, into `out` and returns the length: the spelling
// of the decoded path `text`. REQUIRES: room for 3 * text.size() bytes at `out`, which is not where `text` is.
std::size_t percent_encode(std::string_view text, char* out);

// The functions below shorten or change a path in place and return what is left of it.

// RFC 3986 §5.2.4; ".." at the root stays at the root. REQUIRES: `path` starts with '/'.
std::span<char> remove_dot_segments(std::span<char> path);
// The same on a path that is not decoded yet, where "%2e" is a dot as in WHATWG URLs.
std::span<char> remove_encoded_dot_segments(std::span<char> path);
// Makes one slash of a run of slashes.
std::span<char> merge_slashes(std::span<char> path);
// Makes a slash of every backslash.
std::span<char> turn_backslashes(std::span<char> path);

}  // namespace viaduct::base

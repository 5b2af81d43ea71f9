// SPDX-License-Identifier: Apache-2.0
// Request targets to `rewrite`; the first byte chooses what the config says. Held, for what would go on: the query is
// what came; the path is well-formed; where nothing is ambiguous, it decodes to what is made of the decoded path; and
// whatever a server makes of it (decoding it up to twice, taking backslashes for slashes, merging slashes, resolving
// dots, dropping control characters), it stays below the prefix that was put in place.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/uri.h"
#include "config/types.h"
#include "filter/rewrite.h"
#include "route/path_readings.h"
#include "route/path_scan.h"

namespace {

using viaduct::filter::Rewrite;
using viaduct::filter::RewriteRegex;
using viaduct::filter::Spelling;
using viaduct::route::PathTraits;

constexpr std::size_t kTargetBytesMax = 256;
constexpr std::string_view kPrefix = "/tenant1";

std::string decoded(std::string_view path) {
  std::string out(path.size(), '\0');
  out.resize(viaduct::base::percent_decode(path, out.data()));
  return out;
}

std::string without_controls(std::string_view path) {
  std::string out;
  for (const char byte : path.substr(0, path.find('\0'))) {
    if (static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f) out += byte;
  }
  return out;
}

// A model of its own of what servers do to a path.
std::string resolved(std::string path) {
  std::ranges::replace(path, '\\', '/');
  std::vector<std::string> segments;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string segment = path.substr(at, end - at);
    at = end + 1;
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
  }
  std::string out;
  for (const std::string& segment : segments) out.append("/").append(segment);
  return out;
}

bool is_below_prefix(std::string_view path) {
  return path.starts_with(kPrefix) && (path.size() == kPrefix.size() || path[kPrefix.size()] == '/');
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

// What goes on of `target`; empty where it is refused.
std::string rewritten(const Rewrite& rewrite, std::string_view target, bool is_ambiguous) {
  viaduct::base::ChunkPool chunks;
  viaduct::base::Arena arena(chunks);
  if (is_ambiguous && !rewrite.is_clear(target, chunks)) return {};
  return std::string(rewrite.rewrite(target, arena));
}

void check_prefix(std::string_view target, bool is_ambiguous) {
  static const std::unique_ptr<Rewrite> tenant = *Rewrite::make(viaduct::config::ReplacePrefix{"/", "/tenant1/"});
  const std::string sent = rewritten(*tenant, target, is_ambiguous);
  if (sent.empty()) return;
  CHECK(sent.ends_with(target.substr(path_of(target).size())));
  const std::string path(path_of(sent));
  CHECK(!viaduct::route::scan_path(path).has(PathTraits::kInvalid));
  const std::string once = decoded(path);
  for (const std::string& reading : {path, once, decoded(once)}) {
    CHECK(is_below_prefix(resolved(reading)) && is_below_prefix(resolved(without_controls(reading))));
  }
}

void check_regex(const viaduct::config::ReplaceRegex& config, std::string_view target, bool is_ambiguous) {
  const std::string sent = rewritten(**Rewrite::make(config), target, is_ambiguous);
  if (sent.empty()) return;
  CHECK(sent.ends_with(target.substr(std::min(path_of(target).size() + 1, target.size()))));
  CHECK(!viaduct::route::scan_path(path_of(sent)).has(PathTraits::kInvalid));
  if (is_ambiguous) return;
  viaduct::base::ChunkPool chunks;
  viaduct::base::Arena arena(chunks);
  const std::string literal = decoded(path_of(target));
  CHECK(decoded(path_of(sent)) == RewriteRegex::make(config)->rewrite(literal, Spelling::kDecoded, arena).path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::array<viaduct::config::ReplaceRegex, 7> kRegexes = {{
      {"^/u/(.*)$", "/users/\\1"},
      {"^/old/(.*)$", "/new?id=\\1"},
      {"(u|\xE6\x94\xAF)(.)?", "\\2/\\1%"},
      {"([^/]*)$", "/x\\1\\1"},
      {"/(.)/(.*)", "/q?\\2=\\1&z"},
      {"[^/]", "\xE6\x94\xAF"},
      {"^", "/b c"},
  }};
  if (size < 2) return 0;
  const std::string target(reinterpret_cast<const char*>(data) + 1, std::min(size - 1, kTargetBytesMax));
  if (!target.starts_with('/') || !viaduct::base::split_target(target)) return 0;
  const PathTraits traits = viaduct::route::scan_path(path_of(target));
  if (traits.has(PathTraits::kInvalid)) return 0;
  const bool is_ambiguous = traits.has(PathTraits::kAmbiguous);
  const std::size_t choice = data[0] % (kRegexes.size() + 1);
  if (choice == kRegexes.size()) {
    check_prefix(target, is_ambiguous);
  } else {
    check_regex(kRegexes[choice], target, is_ambiguous);
  }
  return 0;
}

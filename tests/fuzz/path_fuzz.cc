// SPDX-License-Identifier: Apache-2.0
// Request targets to the splitting of URIs and to the router. Held: views lie within the target; whatever a server
// could make of a path (decoding it up to twice, taking backslashes for slashes, merging slashes, resolving dots,
// cutting it at a NUL or leaving control characters out), a route never gets what is denied; a static root never sees a
// segment that leads out of it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/uri.h"
#include "config/types.h"
#include "http/method.h"
#include "route/router.h"
#include "support/routing.h"

namespace {

using viaduct::support::Scene;

constexpr std::string_view kDenied = "/internal";
constexpr std::size_t kTargetBytesMax = 256;

// A model of its own of what servers do to a path, one step each.
std::string decoded(std::string_view path) {
  std::string out;
  for (std::size_t at = 0; at < path.size(); ++at) {
    const auto digit = [&](std::size_t offset) {
      if (at + offset >= path.size()) return -1;
      const char byte = path[at + offset];
      if (byte >= '0' && byte <= '9') return byte - '0';
      if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
      if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
      return -1;
    };
    const bool is_escape = path[at] == '%' && digit(1) >= 0 && digit(2) >= 0;
    out += is_escape ? static_cast<char>(digit(1) * 16 + digit(2)) : path[at];
    if (is_escape) at += 2;
  }
  return out;
}

std::string without_controls(std::string_view path) {
  std::string out;
  for (const char byte : path.substr(0, path.find('\0'))) {
    if (static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f) out += byte;
  }
  return out;
}

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

bool is_denied(std::string_view path) {
  return path == kDenied || (path.starts_with(kDenied) && path[kDenied.size()] == '/');
}

bool may_be_denied(std::string_view path) {
  const std::string once = decoded(path);
  for (const std::string& reading : {std::string(path), once, decoded(once)}) {
    if (is_denied(resolved(reading)) || is_denied(resolved(without_controls(reading)))) return true;
  }
  return false;
}

bool is_within(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_views(std::string_view text) {
  const auto target = viaduct::base::split_target(text);
  if (!target) return;
  for (const std::string_view part :
       {target->scheme, target->authority, target->path, target->query, target->path_and_query}) {
    CHECK(is_within(part, text));
  }
  const std::size_t mark = target->has_query ? 1 : 0;
  CHECK(target->path_and_query.size() == target->path.size() + mark + target->query.size());
  CHECK(target->authority.empty() || viaduct::base::split_authority(target->authority));
}

const Scene& scene_without_requests() {
  using viaduct::support::exact;
  using viaduct::support::make_route;
  using viaduct::support::prefix;
  static const Scene scene(
      {make_route("exact", exact("/pay/notify")), make_route("api", prefix("/api/")), make_route("all", prefix("/"))},
      {"/internal/"});
  return scene;
}

void check_decision(std::string_view target) {
  viaduct::base::ChunkPool chunks;
  viaduct::base::Arena arena(chunks);
  const viaduct::http::Fields fields(arena);
  viaduct::route::RequestView view;
  view.method = viaduct::http::Method::kGet;
  view.method_text = "GET";
  view.target = target;
  view.authority = "host.test";
  view.version = viaduct::http::Version::kHttp11;
  view.fields = &fields;
  const viaduct::route::Router& router = scene_without_requests().router();
  const viaduct::route::Decision decision = router.decide(view, arena);
  const viaduct::route::Decision again = router.decide(view, arena);
  CHECK(decision.reason == again.reason && decision.route == again.route);
  CHECK(decision.is_routed() == (decision.reason == viaduct::http::Reason::kNone));
  if (!decision.is_routed()) return;
  CHECK(!may_be_denied(decision.path));
  const std::string_view file = decision.decoded_path;
  CHECK(file.starts_with('/') && file.find("/../") == std::string_view::npos && !file.ends_with("/.."));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), std::min(size, kTargetBytesMax));
  check_views(text);
  if (!text.empty() && text.front() == '/' && viaduct::base::split_target(text)) check_decision(text);
  return 0;
}

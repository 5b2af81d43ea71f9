// SPDX-License-Identifier: Apache-2.0
#include "config/inherited.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/format.h"

namespace viaduct::config {

namespace {

// Takes "HEAD[N]" from the front of `rest`.
std::optional<std::size_t> take_index(std::string_view& rest, std::string_view head) {
  if (!rest.starts_with(head) || !rest.substr(head.size()).starts_with('[')) return std::nullopt;
  const std::size_t begin = head.size() + 1;
  const std::size_t end = rest.find(']', begin);
  if (end == std::string_view::npos) return std::nullopt;
  const auto index = base::parse_decimal(rest.substr(begin, end - begin));
  if (!index) return std::nullopt;
  rest.remove_prefix(end + 1);
  return static_cast<std::size_t>(*index);
}

std::string find_inherited(const Places& places, const std::string& key) {
  std::string_view rest = key;
  const auto site = take_index(rest, "sites");
  const auto route = take_index(rest, ".routes");
  if (!site || !route || !rest.starts_with('.')) return {};
  return find_key_path(places, {.site = *site, .route = *route}, std::string(rest.substr(1)));
}

// `key` with its last "[N]" taken out.
std::string without_last_index(const std::string& key) {
  const std::size_t begin = key.rfind('[');
  if (begin == std::string::npos) return {};
  return key.substr(0, begin) + key.substr(std::min(key.find(']', begin), key.size() - 1) + 1);
}

}  // namespace

std::string RoutePosition::path() const {
  return base::format("sites[{}].routes[{}]", site, route);
}

std::string find_key_path(const Places& places, const RoutePosition& position, const std::string& key) {
  for (const std::string& level :
       {position.path(), base::format("sites[{}]", position.site), std::string("defaults")}) {
    std::string path = base::format("{}.{}", level, key);
    if (places.has(path)) return path;
  }
  return {};
}

std::string find_written_path(const Places& places, const std::string& key) {
  if (places.has(key)) return key;
  if (std::string inherited = find_inherited(places, key); !inherited.empty()) return inherited;
  if (std::string list = without_last_index(key); places.has(list)) return list;
  constexpr std::string_view kPair = "].tls.";
  const std::size_t pair = key.find(kPair);
  if (!key.starts_with("sites[") || pair == std::string::npos) return {};
  std::string item = key.substr(0, pair) + "].tls[0]." + key.substr(pair + kPair.size());
  return places.has(item) ? item : "";
}

bool has_own_key(const Places& places, const RoutePosition& position, const std::string& key) {
  return places.has(base::format("{}.{}", position.path(), key));
}

std::string show_place(const Place& place, const Place& seen_from) {
  if (place.file == seen_from.file) return base::format("line {}", place.line);
  return base::format("{}:{}", place.file, place.line);
}

}  // namespace viaduct::config

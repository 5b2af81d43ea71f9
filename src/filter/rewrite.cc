// SPDX-License-Identifier: Apache-2.0
#include "filter/rewrite.h"

#include "base/bytes.h"
#include "exchange/exchange.h"

namespace viaduct::filter {
namespace {

// How many bytes of `path` spell `prefix`, whose bytes may stand there percent-encoded; 0 when it does not begin so or
// when the prefix would end inside a segment.
std::size_t match_prefix(std::string_view path, std::string_view prefix) {
  std::size_t at = 0;
  for (const char wanted : prefix) {
    if (at >= path.size()) return 0;
    char found = path[at];
    std::size_t width = 1;
    if (found == '%' && at + 2 < path.size() && base::hex_value(path[at + 1]) >= 0 &&
        base::hex_value(path[at + 2]) >= 0) {
      found = static_cast<char>(base::hex_value(path[at + 1]) * 16 + base::hex_value(path[at + 2]));
      width = 3;
    }
    if (found != wanted) return 0;
    at += width;
  }
  const bool at_segment_end = at == path.size() || path[at] == '/' || prefix.ends_with('/');
  return at_segment_end ? at : 0;
}

}  // namespace

base::Result<std::unique_ptr<Rewrite>> Rewrite::make(const config::Rewrite& config) {
  auto made = std::make_unique<Rewrite>();
  if (const auto* strip = std::get_if<config::StripPrefix>(&config)) {
    made->from_ = strip->prefix;
  } else if (const auto* replace = std::get_if<config::ReplacePrefix>(&config)) {
    made->from_ = replace->from;
    made->to_ = replace->to;
  } else {
    const auto& by_regex = std::get<config::ReplaceRegex>(config);
    auto regex = route::Regex::compile(by_regex.pattern);
    if (!regex) return std::unexpected(std::move(regex).error());
    TRY(regex->check_replacement(by_regex.replacement));
    made->regex_ = std::move(*regex);
    made->to_ = by_regex.replacement;
  }
  return made;
}

std::string_view Rewrite::rewrite(std::string_view target, base::Arena& arena) const {
  const std::size_t path_size = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, path_size);
  const std::string_view query = target.substr(path_size);
  if (regex_) {
    std::string changed(path);
    if (!regex_->replace_first(changed, to_)) return target;
    const std::string_view slash = changed.starts_with('/') ? "" : "/";
    return arena.append(arena.append(arena.append(arena.copy(slash), changed), query), {});
  }
  const std::size_t matched = match_prefix(path, from_);
  if (matched == 0) return target;
  const std::string_view rest = path.substr(matched);
  // Exactly one slash between what takes the prefix's place and the rest.
  std::string_view head = to_;
  if (head.ends_with('/') && (rest.starts_with('/') || rest.empty()) && !rest.empty()) head.remove_suffix(1);
  const bool needs_slash = !head.ends_with('/') && !rest.starts_with('/') && (head.empty() || !rest.empty());
  std::string_view result = arena.copy(head);
  if (needs_slash) result = arena.append(result, "/");
  return arena.append(arena.append(result, rest), query);
}

exchange::FilterVerdict Rewrite::on_request(exchange::Exchange& exchange) const {
  http::RequestHead& request = exchange.request();
  request.target = rewrite(request.target, exchange.arena());
  return exchange::FilterVerdict::kContinue;
}

}  // namespace viaduct::filter

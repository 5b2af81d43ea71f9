// SPDX-License-Identifier: Apache-2.0
#include "filter/rewrite.h"

#include <utility>

#include "base/bytes.h"
#include "base/uri.h"
#include "exchange/exchange.h"

namespace viaduct::filter {
namespace {

// How many bytes of `path` spell `prefix`, whose bytes may stand there percent-encoded, but for slashes, which would
// not part segments then; 0 when it does not begin so or when the prefix would end inside a segment.
std::size_t match_prefix(std::string_view path, std::string_view prefix, Spelling spelling) {
  std::size_t at = 0;
  for (const char wanted : prefix) {
    if (at >= path.size()) return 0;
    char found = path[at];
    std::size_t width = 1;
    if (found == '%' && spelling == Spelling::kReceived && at + 2 < path.size() && base::hex_value(path[at + 1]) >= 0 &&
        base::hex_value(path[at + 2]) >= 0) {
      found = static_cast<char>(base::hex_value(path[at + 1]) * 16 + base::hex_value(path[at + 2]));
      if (found == '/') return 0;
      width = 3;
    }
    if (found != wanted) return 0;
    at += width;
  }
  const bool at_segment_end = at == path.size() || path[at] == '/' || prefix.ends_with('/');
  return at_segment_end ? at : 0;
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

}  // namespace

base::Result<std::unique_ptr<Rewrite>> Rewrite::make(const config::Rewrite& config) {
  auto made = std::make_unique<Rewrite>();
  if (const auto* strip = std::get_if<config::StripPrefix>(&config)) {
    made->from_ = strip->prefix;
  } else if (const auto* replace = std::get_if<config::ReplacePrefix>(&config)) {
    made->from_ = replace->from;
    made->to_ = replace->to;
    made->to_received_.resize(3 * made->to_.size());
    made->to_received_.resize(base::percent_encode(made->to_, made->to_received_.data()));
  } else {
    auto regex = RewriteRegex::make(std::get<config::ReplaceRegex>(config));
    if (!regex) return std::unexpected(std::move(regex).error());
    made->regex_ = std::move(*regex);
  }
  return made;
}

std::string_view Rewrite::rewrite(std::string_view target, base::Arena& arena) const {
  const std::string_view path = path_of(target);
  const std::string_view query = target.substr(path.size());
  const Rewritten made = rewrite_path(path, Spelling::kReceived, arena);
  if (made.path.data() == path.data() && made.path.size() == path.size() && made.query.empty()) return target;
  if (made.query.empty()) return arena.append(made.path, query);
  const std::string_view with_query = arena.append(arena.append(made.path, "?"), made.query);
  return query.size() > 1 ? arena.append(arena.append(with_query, "&"), query.substr(1)) : with_query;
}

Rewritten Rewrite::rewrite_path(std::string_view path, Spelling spelling, base::Arena& arena) const {
  if (regex_) return regex_->rewrite(path, spelling, arena);
  const std::size_t matched = match_prefix(path, from_, spelling);
  if (matched == 0) return {.path = path, .query = {}};
  const std::string_view rest = path.substr(matched);
  // Exactly one slash between what takes the prefix's place and the rest.
  std::string_view head = spelling == Spelling::kReceived ? to_received_ : to_;
  if (head.ends_with('/') && rest.starts_with('/')) head.remove_suffix(1);
  const bool needs_slash = !head.ends_with('/') && !rest.starts_with('/') && (head.empty() || !rest.empty());
  std::string_view result = arena.copy(head);
  if (needs_slash) result = arena.append(result, "/");
  return {.path = arena.append(result, rest), .query = {}};
}

exchange::FilterVerdict Rewrite::on_request(exchange::Exchange& exchange) const {
  http::RequestHead& request = exchange.request();
  request.target = rewrite(request.target, exchange.arena());
  return exchange::FilterVerdict::kContinue;
}

}  // namespace viaduct::filter

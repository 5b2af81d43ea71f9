// SPDX-License-Identifier: Apache-2.0
#include "filter/rewrite.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/uri.h"
#include "exchange/exchange.h"
#include "route/path_readings.h"

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

// Whether two paths are one but for empty segments, which no server takes for a way out of where it is.
bool is_same_path(std::string_view left, std::string_view right) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < left.size() && j < right.size() && left[i] == right[j]) {
    if (left[i] != '/') {
      ++i;
      ++j;
      continue;
    }
    i = std::min(left.find_first_not_of('/', i), left.size());
    j = std::min(right.find_first_not_of('/', j), right.size());
  }
  return i == left.size() && j == right.size();
}

}  // namespace

// Holds what is made of each reading against the same reading of what is sent.
class Rewrite::Comparison final : public route::ReadingVisitor {
 public:
  Comparison(const Rewrite& rewrite, base::ChunkPool& chunks) : rewrite_(rewrite), arena_(chunks) {}

  bool on_reading(std::string_view path, std::string_view sent) override {
    arena_.clear();
    const Rewritten made = rewrite_.rewrite_path(path, Spelling::kDecoded, arena_);
    if (!query_) query_.emplace(made.query);
    return is_same_path(made.path, sent) && made.query == *query_;
  }

 private:
  const Rewrite& rewrite_;
  base::Arena arena_;  // of one reading
  std::optional<std::string> query_;
};

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

bool Rewrite::is_clear(std::string_view target, base::ChunkPool& chunks) const {
  base::Arena arena(chunks);
  const std::string_view path = path_of(target);
  Comparison comparison(*this, chunks);
  const Rewritten made = rewrite_path(path, Spelling::kReceived, arena);
  route::PathReadings readings(path, made.path, arena);
  return !made.splits_escape && readings.visit(comparison) == route::PathReadings::Result::kComplete;
}

exchange::FilterVerdict Rewrite::on_request(exchange::Exchange& exchange) const {
  http::RequestHead& request = exchange.request();
  if (exchange.decision().is_ambiguous && !is_clear(request.target, exchange.loop().chunks())) {
    exchange.fail(http::Reason::kPathAmbiguous);
    return exchange::FilterVerdict::kAnswered;
  }
  request.target = rewrite(request.target, exchange.arena());
  return exchange::FilterVerdict::kContinue;
}

}  // namespace viaduct::filter

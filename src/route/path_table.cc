// SPDX-License-Identifier: Apache-2.0
#include "route/path_table.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/format.h"

namespace viaduct::route {
namespace {

// A hash of a segment below a node. The keys are the config's and nobody else adds any, so it need not be keyed: eight
// bytes at a time, multiplied and folded.
std::uint64_t hash_segment(std::uint32_t from, std::string_view segment) {
  const auto mix = [](std::uint64_t hash, std::uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    return hash ^ (hash >> 32);
  };
  std::uint64_t hash = mix(from, segment.size());
  std::uint64_t word = 0;
  for (; segment.size() > sizeof(word); segment.remove_prefix(sizeof(word))) {
    std::memcpy(&word, segment.data(), sizeof(word));
    hash = mix(hash, word);
  }
  word = 0;
  std::memcpy(&word, segment.data(), segment.size());
  return mix(hash, word);
}

// A message that begins as every error of a config does.
std::unexpected<base::Error> fail_at(const config::Route& route, PathKind kind, const std::string& message) {
  const config::Place& place = route.place;
  return base::fail(base::format("{}:{}:{}: route {}: match.{}: {}", place.file, place.line, place.column, route.name,
                                 path_kind_name(kind), message));
}

}  // namespace

std::string_view path_kind_name(PathKind kind) {
  switch (kind) {
    case PathKind::kExact: return "exact";
    case PathKind::kRegex: return "regex";
    case PathKind::kPrefix: break;
  }
  return "prefix";
}

base::Result<PathTable> PathTable::build(const std::vector<config::Route>& routes) {
  PathTable table;
  table.nodes_.resize(1);
  table.edges_.resize(16);
  table.conditions_.reserve(routes.size());
  for (const config::Route& route : routes) {
    table.conditions_.emplace_back(route.match);
    TRY(table.add_route(route, static_cast<std::uint32_t>(table.conditions_.size() - 1)));
  }
  table.sort_candidates();
  return table;
}

base::Result<void> PathTable::add_route(const config::Route& route, std::uint32_t number) {
  static constexpr std::string_view kEverything = "/";
  const config::Match& match = route.match;
  Candidate candidate{.kind = PathKind::kExact, .pattern = {}, .route = number, .conditions = &conditions_[number]};
  for (const auto& [kind, paths] :
       {std::pair(PathKind::kExact, &match.exact), std::pair(PathKind::kPrefix, &match.prefix)}) {
    candidate.kind = kind;
    for (const std::string& path : *paths) {
      if (!path.starts_with('/')) {
        return fail_at(route, kind, base::format("path `{}` does not start with /; write it from the root", path));
      }
      candidate.pattern = path;
      add_path(candidate);
    }
  }
  candidate.kind = PathKind::kRegex;
  for (const std::string& pattern : match.regex) {
    base::Result<Regex> regex = Regex::compile(pattern);
    if (!regex) {
      return fail_at(route, PathKind::kRegex,
                     base::format("regex `{}` is not valid: {}; correct it", pattern, regex.error().message));
    }
    candidate.pattern = pattern;
    regexes_.push_back({std::move(*regex), candidate});
  }
  if (match.exact.empty() && match.prefix.empty() && match.regex.empty()) {
    candidate.kind = PathKind::kPrefix;
    candidate.pattern = kEverything;
    add_path(candidate);
  }
  return {};
}

void PathTable::add_path(Candidate candidate) {
  std::string_view path = candidate.pattern;
  const bool slash = path.ends_with('/');
  if (slash) path.remove_suffix(1);
  std::uint32_t node = 0;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    node = add_segment(node, path.substr(1, end - 1));
    path.remove_prefix(end);
  }
  const std::size_t list = (candidate.kind == PathKind::kPrefix ? 2U : 0U) + (slash ? 1U : 0U);
  nodes_[node].lists[list].push_back(candidate);
}

std::uint32_t PathTable::add_segment(std::uint32_t from, std::string_view segment) {
  if ((edge_count_ + 1) * 2 > edges_.size()) grow_edges();
  const std::uint64_t hash = hash_segment(from, segment);
  Edge& edge = edges_[find_slot(hash, from, segment)];
  if (edge.from == kNone) {
    edge = {.hash = hash, .from = from, .to = static_cast<std::uint32_t>(nodes_.size()), .segment = segment};
    nodes_.push_back({.parent = from, .lists = {}});
    ++edge_count_;
  }
  return edge.to;
}

void PathTable::grow_edges() {
  const std::vector<Edge> old = std::exchange(edges_, std::vector<Edge>(edges_.size() * 2));
  for (const Edge& edge : old) {
    if (edge.from != kNone) edges_[find_slot(edge.hash, edge.from, edge.segment)] = edge;
  }
}

void PathTable::sort_candidates() {
  const auto more_conditions = [](const Candidate& left, const Candidate& right) {
    const std::size_t left_count = left.conditions->count();
    const std::size_t right_count = right.conditions->count();
    return left_count != right_count ? left_count > right_count : left.route < right.route;
  };
  for (Node& node : nodes_) {
    for (Candidates& list : node.lists) std::ranges::sort(list, more_conditions);
  }
}

// The slot that holds this edge, or the free one where it would be put.
std::size_t PathTable::find_slot(std::uint64_t hash, std::uint32_t from, std::string_view segment) const {
  const std::size_t mask = edges_.size() - 1;
  std::size_t slot = static_cast<std::size_t>(hash) & mask;
  while (edges_[slot].from != kNone) {
    const Edge& edge = edges_[slot];
    if (edge.hash == hash && edge.from == from && edge.segment == segment) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

PathTable::Place PathTable::find_place(std::string_view path) const {
  Place place;
  while (!path.empty()) {
    if (path.size() == 1) {
      place.is_below = true;
      place.exact = &nodes_[place.node].list(PathKind::kExact, true);
      return place;
    }
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(1, end - 1);
    const Edge& edge = edges_[find_slot(hash_segment(place.node, segment), place.node, segment)];
    if (edge.from == kNone) {
      place.is_below = true;
      return place;
    }
    place.node = edge.to;
    path.remove_prefix(end);
  }
  place.exact = &nodes_[place.node].list(PathKind::kExact, false);
  return place;
}

}  // namespace viaduct::route

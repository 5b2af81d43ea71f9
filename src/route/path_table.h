// SPDX-License-Identifier: Apache-2.0
// The paths of a site's routes, best match first: exact, then regexes in the order of the file, then prefixes from the
// longest to the shortest; among equals the route with more conditions, then the order of the file. Exact paths and
// prefixes are one tree of segments, so that a search costs as much as its path is deep, however many routes there are.
// Built at load, immutable afterwards; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/types.h"
#include "route/conditions.h"
#include "route/regex.h"

namespace viaduct::route {

enum class PathKind : std::uint8_t { kExact, kRegex, kPrefix };

// The key of `match` in the config: "exact", "regex" or "prefix".
std::string_view path_kind_name(PathKind kind);

class PathTable {
 public:
  // A route that a path leads to, and by which of its paths.
  struct Candidate {
    PathKind kind = PathKind::kExact;
    std::string_view pattern;  // as in the config
    std::uint32_t route = 0;   // its number in the site
    const Conditions* conditions = nullptr;
  };

  // `routes` must outlive the table. A route without any path takes every path. The error names a regex that does not
  // compile, or a path that does not start with '/'.
  static base::Result<PathTable> build(const std::vector<config::Route>& routes);

  // Calls `visit(const Candidate&)` for every route that `path` (decoded, starting with '/') leads to, best first,
  // until it returns true; then returns true. A route comes once for each of its paths that match.
  template <typename Visit>
  bool search(std::string_view path, Visit visit) const {
    const Place place = find_place(path);
    if (place.exact != nullptr && visit_all(*place.exact, visit)) return true;
    for (const RegexEntry& entry : regexes_) {
      if (entry.regex.matches(path) && visit(entry.candidate)) return true;
    }
    // At "/a/b" the prefix "/a/" is longer than the prefix "/a"; at "/a" itself it does not match.
    bool is_below = place.is_below;
    for (std::uint32_t number = place.node; number != kNone; number = nodes_[number].parent, is_below = true) {
      const Node& node = nodes_[number];
      if (is_below && visit_all(node.list(PathKind::kPrefix, true), visit)) return true;
      if (visit_all(node.list(PathKind::kPrefix, false), visit)) return true;
    }
    return false;
  }

  // The conditions of route `number` of the site.
  const Conditions& conditions(std::uint32_t number) const { return conditions_[number]; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  using Candidates = std::vector<Candidate>;

  // A path of whole segments, and the routes that name it with and without a slash at its end.
  struct Node {
    std::uint32_t parent = kNone;
    std::array<Candidates, 4> lists;

    const Candidates& list(PathKind kind, bool slash) const {
      return lists[(kind == PathKind::kPrefix ? 2U : 0U) + (slash ? 1U : 0U)];
    }
  };
  // From a node by one segment to the next; a slot of an open hash table.
  struct Edge {
    std::uint64_t hash = 0;
    std::uint32_t from = kNone;  // kNone: the slot is free
    std::uint32_t to = kNone;
    std::string_view segment;
  };
  struct RegexEntry {
    Regex regex;
    Candidate candidate;
  };
  // Where a path ends in the tree.
  struct Place {
    std::uint32_t node = 0;             // the deepest node on the path
    bool is_below = false;              // the path goes on behind the node, be it by a slash alone
    const Candidates* exact = nullptr;  // what names this very path
  };

  template <typename Visit>
  static bool visit_all(const Candidates& candidates, Visit& visit) {
    for (const Candidate& candidate : candidates) {
      if (visit(candidate)) return true;
    }
    return false;
  }

  base::Result<void> add_route(const config::Route& route, std::uint32_t number);
  void add_path(Candidate candidate);
  std::uint32_t add_segment(std::uint32_t from, std::string_view segment);
  void grow_edges();
  void sort_candidates();
  std::size_t find_slot(std::uint64_t hash, std::uint32_t from, std::string_view segment) const;
  Place find_place(std::string_view path) const;

  std::vector<Conditions> conditions_;  // by route
  std::vector<Node> nodes_;             // the root first
  std::vector<Edge> edges_;             // a power of two, at most half full
  std::size_t edge_count_ = 0;
  std::vector<RegexEntry> regexes_;  // in the order of the file
};

}  // namespace viaduct::route

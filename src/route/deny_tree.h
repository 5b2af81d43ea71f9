// SPDX-License-Identifier: Apache-2.0
// The denied paths of a site as a tree of segments. "/x/" and "/x" both cover "/x" and everything below it.
//
// What is denied stays denied under every spelling: for a path that servers may read in several ways,
// covers_some_reading asks whether any choice of resolving (each dot segment followed or kept, each empty segment
// dropped or kept, each %2F and backslash a separator or not, decoding repeated, control characters and ";parameters"
// cut or dropped; each choice made anew at each place, as chains of servers do) leads below a denied path. One pass,
// without trying choices one by one. Built at load, immutable afterwards; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"

namespace viaduct::route {

class DenyTree {
 public:
  DenyTree() : nodes_(1) {}

  // `paths` are decoded paths as in the config; empty segments do not count.
  explicit DenyTree(std::span<const std::string> paths);

  bool empty() const { return nodes_.size() == 1 && !nodes_.front().denied; }
  // True when `path`, decoded, lies at or below a denied path as it stands.
  bool covers(std::string_view path) const;
  // True when `path`, as received, lies at or below a denied path in some reading. REQUIRES: scan_path(path) finds it
  // valid.
  bool covers_some_reading(std::string_view path, base::Arena& arena) const;

 private:
  struct Node {
    std::vector<std::pair<std::string, std::uint32_t>> children;  // by segment, sorted
    bool denied = false;
  };
  class Piece;
  class Walk;

  const std::uint32_t* find_child(std::uint32_t node, std::string_view segment) const;
  void add(std::string_view path);

  std::vector<Node> nodes_;  // the root first
};

}  // namespace viaduct::route

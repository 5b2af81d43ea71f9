// SPDX-License-Identifier: Apache-2.0
#include "route/deny_tree.h"

#include <algorithm>
#include <array>
#include <climits>
#include <memory>

#include "base/bytes.h"

namespace viaduct::route {
namespace {

constexpr bool is_control(char byte) {
  return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
}

// Decodes `path` until no escape is left, so that %252F and %25%32%46 are told for what they can become. Separators
// that not every server sees (%2F at any depth, a backslash) all become backslashes; '/' is left for those that stand
// there.
std::string_view decode_fully(std::string_view path, base::Arena& arena) {
  char* out = arena.make_array<char>(path.size());
  std::size_t size = 0;
  for (const char byte : path) {
    out[size++] = byte;
    // The byte may be the end of an escape, and what that decodes to the end of another.
    while (size >= 3 && out[size - 3] == '%' && base::hex_value(out[size - 2]) >= 0 &&
           base::hex_value(out[size - 1]) >= 0) {
      const int value = base::hex_value(out[size - 2]) * 16 + base::hex_value(out[size - 1]);
      size -= 2;
      out[size - 1] = value == '/' ? '\\' : static_cast<char>(value);
    }
  }
  return {out, size};
}

// What a piece of a path can do to the number of segments that a server has collected, as bits.
constexpr unsigned kPops = 1;   // ".." is followed
constexpr unsigned kKeeps = 2;  // the piece is dropped, or belongs to the segment before it
constexpr unsigned kAdds = 4;   // it is a segment

unsigned effects_of(std::string_view segment) {
  if (segment == "..") return kPops | kAdds;
  return segment.empty() || segment == "." ? kKeeps | kAdds : kAdds;
}

// How many undenied segments may lie above a node: the numbers that some choices lead to, kept as one range of even
// and one of odd numbers. Ranges may hold more than what is possible, never less.
class Depths {
 public:
  // True once anything was added, whether or not a number is left.
  bool was_reached() const { return was_reached_; }
  bool has_zero() const { return low_[0] == 0 && high_[0] >= 0; }
  void add_zero() {
    was_reached_ = true;
    low_[0] = 0;
    high_[0] = std::max(high_[0], 0);
  }

  // All numbers after a piece with `effects`. Below 0 there is nothing: at the root ".." stays at the root; at any
  // other node its own segment is taken back, which the parent's numbers tell.
  Depths after(unsigned effects, bool at_root) const {
    Depths result;
    result.was_reached_ = was_reached_;
    if ((effects & kKeeps) != 0) result = *this;
    if ((effects & kAdds) != 0) result.include_shifted(*this, 1);
    if ((effects & kPops) != 0) {
      result.include_shifted(*this, -1);
      if (at_root && has_zero()) result.add_zero();
    }
    return result;
  }

 private:
  void include_shifted(const Depths& from, int shift) {
    for (std::size_t parity = 0; parity < 2; ++parity) {
      if (from.low_[parity] > from.high_[parity]) continue;
      const std::size_t other = 1 - parity;
      const int low = from.low_[parity] + shift;
      const int high = from.high_[parity] + shift;
      if (high < 0) continue;
      low_[other] = std::min(low_[other], low < 0 ? 1 : low);
      high_[other] = std::max(high_[other], high);
    }
  }

  std::array<int, 2> low_ = {INT_MAX, INT_MAX};  // by parity; empty while low > high
  std::array<int, 2> high_ = {-1, -1};
  bool was_reached_ = false;
};

}  // namespace

// A run of bytes between two separators, and the texts that servers may take it for.
class DenyTree::Piece {
 public:
  // `follows_soft` where the separator before it is one that not every server sees. `room` has text.size() bytes, in
  // use as long as the piece.
  Piece(std::string_view text, bool follows_soft, char* room) : effects_(follows_soft ? kKeeps : 0) {
    add(text);
    const auto is_kept = [](char byte) { return !is_control(byte); };
    const auto control = std::ranges::find_if(text, is_control) - text.begin();
    if (static_cast<std::size_t>(control) == text.size()) return;
    add(text.substr(0, static_cast<std::size_t>(control)));
    // Without its control characters: all of it, and what stands before the first NUL.
    std::ranges::copy_if(text, room, is_kept);
    const auto kept = [&](std::string_view part) {
      return static_cast<std::size_t>(std::ranges::count_if(part, is_kept));
    };
    add({room, kept(text)});
    add({room, kept(text.substr(0, text.find('\0')))});
  }

  std::span<const std::string_view> texts() const { return {texts_.data(), count_}; }
  unsigned effects() const { return effects_; }

 private:
  // Adds `text`, and what is left when its parameters are cut off.
  void add(std::string_view text) {
    texts_[count_++] = text;
    effects_ |= effects_of(text);
    const std::size_t end = text.find(';');
    if (end != std::string_view::npos) add(text.substr(0, end));
  }

  std::array<std::string_view, 8> texts_;  // four, each with and without parameters
  std::size_t count_ = 0;
  unsigned effects_;
};

// One pass over a path. For every node that some choices of the pieces so far can reach it knows how many segments may
// lie between the node and the end of what was read.
class DenyTree::Walk {
 public:
  Walk(const DenyTree& tree, base::Arena& arena)
      : tree_(tree),
        depths_(arena.make_array<Depths>(tree.nodes_.size())),
        is_next_(arena.make_array<bool>(tree.nodes_.size())),
        reached_(arena.make_array<std::uint32_t>(tree.nodes_.size())),
        next_(arena.make_array<std::uint32_t>(tree.nodes_.size())) {
    std::uninitialized_fill_n(depths_, tree.nodes_.size(), Depths());
    std::uninitialized_fill_n(is_next_, tree.nodes_.size(), false);
    reach(0);
  }

  // Takes the next piece; true when it completes a denied path.
  bool take(const Piece& piece) {
    std::size_t next_count = 0;
    for (std::size_t i = 0; i < reached_count_; ++i) {
      const std::uint32_t node = reached_[i];
      if (!depths_[node].has_zero()) continue;
      for (const std::string_view text : piece.texts()) {
        const std::uint32_t* child = tree_.find_child(node, text);
        if (child == nullptr || is_next_[*child]) continue;
        if (tree_.nodes_[*child].denied) return true;
        is_next_[*child] = true;
        next_[next_count++] = *child;
      }
    }
    for (std::size_t i = 0; i < reached_count_; ++i) {
      const std::uint32_t node = reached_[i];
      depths_[node] = depths_[node].after(piece.effects(), node == 0);
    }
    for (std::size_t i = 0; i < next_count; ++i) {
      is_next_[next_[i]] = false;
      reach(next_[i]);
    }
    return false;
  }

 private:
  void reach(std::uint32_t node) {
    // A node stays listed once it was reached, also while no choice leads to it.
    if (!depths_[node].was_reached()) reached_[reached_count_++] = node;
    depths_[node].add_zero();
  }

  const DenyTree& tree_;
  Depths* depths_;          // by node
  bool* is_next_;           // by node: the piece at hand reaches it
  std::uint32_t* reached_;  // the nodes that were ever reached
  std::uint32_t* next_;     // those that the piece at hand reaches
  std::size_t reached_count_ = 0;
};

DenyTree::DenyTree(std::span<const std::string> paths) : nodes_(1) {
  for (const std::string& path : paths) add(path);
}

bool DenyTree::covers(std::string_view path) const {
  std::uint32_t node = 0;
  while (!nodes_[node].denied) {
    if (path.empty()) return false;
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::uint32_t* child = find_child(node, path.substr(1, end - 1));
    if (child == nullptr) return false;
    node = *child;
    path.remove_prefix(end);
  }
  return true;
}

bool DenyTree::covers_some_reading(std::string_view path, base::Arena& arena) const {
  if (nodes_.front().denied) return true;
  if (empty()) return false;
  const std::string_view decoded = decode_fully(path, arena);
  char* room = arena.make_array<char>(decoded.size());
  Walk walk(*this, arena);
  std::size_t begin = 0;
  while (begin < decoded.size()) {
    const std::size_t end = std::min(decoded.find_first_of("/\\", begin + 1), decoded.size());
    const Piece piece(decoded.substr(begin + 1, end - begin - 1), decoded[begin] == '\\', room);
    if (walk.take(piece)) return true;
    begin = end;
  }
  return false;
}

const std::uint32_t* DenyTree::find_child(std::uint32_t node, std::string_view segment) const {
  const auto& children = nodes_[node].children;
  const auto found = std::ranges::lower_bound(children, segment, {},
                                              [](const auto& child) -> std::string_view { return child.first; });
  return found != children.end() && found->first == segment ? &found->second : nullptr;
}

void DenyTree::add(std::string_view path) {
  std::uint32_t node = 0;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (segment.empty()) continue;
    const std::uint32_t* child = find_child(node, segment);
    if (child != nullptr) {
      node = *child;
      continue;
    }
    const auto added = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
    auto& children = nodes_[node].children;
    const auto place = std::ranges::lower_bound(children, segment, {},
                                                [](const auto& other) -> std::string_view { return other.first; });
    children.emplace(place, segment, added);
    node = added;
  }
  nodes_[node].denied = true;
}

}  // namespace viaduct::route

// SPDX-License-Identifier: Apache-2.0
// The table behind a transition(): which states may follow which. Made at compile time from a list that reads like the
// diagram in the class's header; asked by a CHECK each time a state changes. At most 32 states.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace viaduct::codec {

template <typename State>
class StateEdges {
 public:
  // One line of the table: a state and all that may follow it.
  struct Row {
    State from;
    std::initializer_list<State> to;
  };

  constexpr StateEdges(std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
      for (const State next : row.to) followers_.at(index(row.from)) |= 1U << index(next);
    }
  }

  // True when `to` may follow `from`.
  constexpr bool allow(State from, State to) const { return ((followers_[index(from)] >> index(to)) & 1U) != 0; }

 private:
  static constexpr std::size_t index(State state) { return static_cast<std::size_t>(state); }

  std::array<std::uint32_t, 32> followers_{};  // bit n: state n may follow
};

}  // namespace viaduct::codec

// SPDX-License-Identifier: Apache-2.0
// The same bytes in every cut: whole, one at a time, or in pieces of any size, for tests of whatever must not care how
// its input arrives. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace viaduct::support {

// Sizes that tests cut by: one byte, two sizes that fall on different borders, and everything at once.
inline constexpr std::array<std::size_t, 4> kFragmentSizes = {1, 3, 7, std::string_view::npos};

class Fragmenter {
 public:
  // `bytes` must outlive the fragmenter. Pieces have `size` bytes, the last one may be shorter.
  Fragmenter(std::string_view bytes, std::size_t size) : rest_(bytes), size_(size) {}

  bool done() const { return rest_.empty(); }
  std::string_view next() {
    const std::string_view piece = rest_.substr(0, size_);
    rest_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view rest_;
  std::size_t size_;
};

}  // namespace viaduct::support

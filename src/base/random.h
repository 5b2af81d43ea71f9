// SPDX-License-Identifier: Apache-2.0
// Randomness that nobody outside can guess, from OpenSSL's generator. fill_random() is for keys; a Random, one for each
// worker, keeps a pool of such bytes so that a request id costs a copy and no call.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace viaduct::base {

// Fills `out` with unguessable bytes. Thread-safe. Ends the program when the system has no randomness to give: every
// key and every id made after that would be guessable.
void fill_random(std::span<unsigned char> out);

// The text of a request id: 128 random bits as lower-case hexadecimal digits.
struct RequestId {
  static constexpr std::size_t kLength = 32;
  std::array<char, kLength> text;

  // Alive as long as this id.
  std::string_view view() const { return {text.data(), text.size()}; }
};

// A source of random numbers for one thread.
class Random {
 public:
  Random() = default;
  // A copy would repeat the numbers of the other.
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;

  std::uint64_t next();
  // Evenly distributed in [0, bound). REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound);
  RequestId request_id();

 private:
  static constexpr std::size_t kPoolBytes = 2048;

  // The next `count` bytes of the pool, alive until the next call. REQUIRES: count <= kPoolBytes.
  std::span<const unsigned char> take(std::size_t count);

  std::array<unsigned char, kPoolBytes> pool_{};
  std::size_t used_ = kPoolBytes;
};

}  // namespace viaduct::base

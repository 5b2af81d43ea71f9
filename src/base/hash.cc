// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <bit>
#include <cstring>

#include "base/random.h"

namespace viaduct::base {
namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }

  void absorb(std::uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }
};

// `size` (at most 8) bytes as a little-endian number.
std::uint64_t load_word(const char* bytes, std::size_t size) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, size);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

}  // namespace

HashKey HashKey::random() {
  unsigned char bytes[2 * sizeof(std::uint64_t)];
  fill_random(bytes);
  HashKey key;
  std::memcpy(&key.first, bytes, sizeof(key.first));
  std::memcpy(&key.second, bytes + sizeof(key.first), sizeof(key.second));
  return key;
}

std::uint64_t keyed_hash(const HashKey& key, std::string_view text) {
  // The constants are the paper's: "somepseudorandomlygeneratedbytes".
  SipState state{key.first ^ 0x736f6d6570736575, key.second ^ 0x646f72616e646f6d, key.first ^ 0x6c7967656e657261,
                 key.second ^ 0x7465646279746573};
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) state.absorb(load_word(at, 8));
  state.absorb((left > 0 ? load_word(at, left) : 0) | (static_cast<std::uint64_t>(text.size()) << 56));
  state.v2 ^= 0xff;
  for (int round = 0; round < 3; ++round) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace viaduct::base

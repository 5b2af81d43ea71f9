// SPDX-License-Identifier: Apache-2.0
// A hash of texts for tables, keyed so that nobody outside can choose texts that collide: SipHash-1-3 (Aumasson and
// Bernstein, "SipHash: a fast short-input PRF", with one round a word and three at the end). Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace viaduct::base {

// The secret of a table. Equal keys give equal hashes.
struct HashKey {
  std::uint64_t first = 0;
  std::uint64_t second = 0;

  // A key that nobody can guess.
  static HashKey random();
};

// The hash of `text` under `key`, the same on every machine.
std::uint64_t keyed_hash(const HashKey& key, std::string_view text);

// For std::unordered_map<std::string, V, StringHash, std::equal_to<>>, looked up by string_view without a copy.
struct StringHash {
  using is_transparent = void;  // the name that the standard library looks for

  HashKey key = HashKey::random();

  std::size_t operator()(std::string_view text) const { return keyed_hash(key, text); }
};

}  // namespace viaduct::base

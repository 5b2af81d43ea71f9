// SPDX-License-Identifier: Apache-2.0
// Token buckets in a table of bounded size that all threads share. A bucket is the time at which it will be full again
// (the generic cell rate algorithm, ITU-T I.371): one number, changed by compare and swap, so that nothing waits. Where
// more keys come than the table has room for, the fullest bucket of the same set is given up, which is the one that has
// least to remember. Counts are exact for a key, but for keys that are given up.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/time.h"

namespace viaduct::filter {

class TokenBuckets {
 public:
  // Buckets of which one is given up for a new key.
  static constexpr std::size_t kWays = 4;
  // Times that a thread tries to change a bucket which others change as well, before it lets the request pass.
  static constexpr int kTriesMax = 16;

  struct Rate {
    base::Duration per_token;  // until a token is back; above zero
    std::uint32_t burst = 0;   // tokens beyond the first that a full bucket has
  };

  // A table of `sets` times kWays buckets of 16 bytes, all full. REQUIRES: all tokens are back within a century, which
  // nanoseconds can count.
  TokenBuckets(const Rate& rate, std::size_t sets);

  // Takes a token from the bucket of `key`, which should be a keyed hash. Absent: there was one. Else how long until
  // there will be. Any thread.
  std::optional<base::Duration> take(std::uint64_t key, base::MonoTime now);

 private:
  struct Bucket {
    std::atomic<std::uint64_t> key{0};     // 0: of nobody yet
    std::atomic<std::int64_t> full_at{0};  // nanoseconds of the monotonic clock
  };

  // The bucket of `key`, taken from another one where there is none.
  Bucket& find(std::uint64_t key);

  std::int64_t per_token_;
  std::int64_t burst_time_;  // what full_at may lie ahead of the present when a token is taken
  std::size_t sets_;
  std::unique_ptr<Bucket[]> buckets_;
};

}  // namespace viaduct::filter

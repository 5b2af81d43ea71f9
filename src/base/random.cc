// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <openssl/rand.h>

#include <cstring>

#include "base/bytes.h"
#include "base/check.h"

namespace viaduct::base {

void fill_random(std::span<unsigned char> out) {
  // The exception to the rule that a broken kernel is no CHECK: there is no safe way to go on.
  CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

std::span<const unsigned char> Random::take(std::size_t count) {
  CHECK(count <= kPoolBytes);
  if (kPoolBytes - used_ < count) {
    fill_random(pool_);
    used_ = 0;
  }
  const std::span<const unsigned char> bytes(pool_.data() + used_, count);
  used_ += count;
  return bytes;
}

std::uint64_t Random::next() {
  std::uint64_t number = 0;
  std::memcpy(&number, take(sizeof(number)).data(), sizeof(number));
  return number;
}

std::uint64_t Random::below(std::uint64_t bound) {
  CHECK(bound > 0);
  // Numbers below 2^64 mod bound would favour small results; they are drawn again (less than every second time).
  const std::uint64_t uneven = (0 - bound) % bound;
  std::uint64_t number = next();
  while (number < uneven) number = next();
  return number % bound;
}

RequestId Random::request_id() {
  RequestId id{};
  write_hex(take(RequestId::kLength / 2), id.text.data());
  return id;
}

}  // namespace viaduct::base

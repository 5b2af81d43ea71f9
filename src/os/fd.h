// SPDX-License-Identifier: Apache-2.0
// The owner of one file descriptor: closes it when it goes. Who borrows a descriptor takes the plain int. One thread at
// a time.
#pragma once

#include <utility>

namespace viaduct::os {

class Fd {
 public:
  Fd() = default;
  // Takes over `descriptor`; -1 makes an empty owner.
  explicit Fd(int descriptor) : descriptor_(descriptor) {}
  ~Fd() { reset(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  Fd(Fd&& other) noexcept : descriptor_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      descriptor_ = other.release();
    }
    return *this;
  }

  // -1 when empty.
  int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ != -1; }
  // Hands the descriptor to the caller, who closes it.
  [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }
  // Closes the descriptor, if any.
  void reset();
  // Another descriptor of the same open file or socket, close-on-exec; empty when the process has no more of them.
  [[nodiscard]] Fd duplicate() const;

 private:
  int descriptor_ = -1;
};

}  // namespace viaduct::os

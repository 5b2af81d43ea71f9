// SPDX-License-Identifier: Apache-2.0
// Two connected stream sockets, non-blocking, for tests that need a real descriptor without a network. Owned by the
// test; one thread.
#pragma once

#include <sys/socket.h>

#include <array>

#include "base/check.h"
#include "os/fd.h"

namespace viaduct::support {

class PipePair {
 public:
  PipePair() {
    std::array<int, 2> ends{};
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    left_ = os::Fd(ends[0]);
    right_ = os::Fd(ends[1]);
  }

  int left() const { return left_.get(); }
  int right() const { return right_.get(); }
  os::Fd take_left() { return std::move(left_); }
  os::Fd take_right() { return std::move(right_); }

 private:
  os::Fd left_;
  os::Fd right_;
};

}  // namespace viaduct::support

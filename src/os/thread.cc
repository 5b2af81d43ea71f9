// SPDX-License-Identifier: Apache-2.0
#include "os/thread.h"

#include "base/check.h"

namespace viaduct::os {
namespace {

void* run(void* body) {
  static_cast<ThreadBody*>(body)->run();
  return nullptr;
}

}  // namespace

base::Result<Thread> Thread::start(ThreadBody& body) {
  pthread_t handle{};
  const int error_number = ::pthread_create(&handle, nullptr, viaduct::os::run, &body);
  if (error_number != 0) return base::fail_errno("cannot start a thread", error_number);
  return Thread(handle);
}

Thread& Thread::operator=(Thread&& other) noexcept {
  CHECK(!is_running_);
  handle_ = other.handle_;
  is_running_ = std::exchange(other.is_running_, false);
  return *this;
}

void Thread::join() {
  if (std::exchange(is_running_, false)) ::pthread_join(handle_, nullptr);
}

}  // namespace viaduct::os

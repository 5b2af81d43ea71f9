// SPDX-License-Identifier: Apache-2.0
// A thread whose start may fail: the system has a limit of them, and std::thread ends the process there. Owned by who
// started it, in one thread.
#pragma once

#include <pthread.h>

#include <utility>

#include "base/error.h"

namespace viaduct::os {

// What a thread does; it ends with run().
class ThreadBody {
 public:
  virtual void run() = 0;

 protected:
  ~ThreadBody() = default;
};

class Thread {
 public:
  // No thread.
  Thread() = default;
  // Runs `body`, which must outlive it, in a thread of its own. An error says why there is none; then `body` is not
  // run.
  static base::Result<Thread> start(ThreadBody& body);
  // Waits for its end.
  ~Thread() { join(); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  Thread(Thread&& other) noexcept : handle_(other.handle_), is_running_(std::exchange(other.is_running_, false)) {}
  // REQUIRES: this one is no thread, or has been joined.
  Thread& operator=(Thread&& other) noexcept;

  // Whether there is one that nobody has waited for.
  explicit operator bool() const { return is_running_; }
  // Waits for its end; nothing where there is none.
  void join();

 private:
  explicit Thread(pthread_t handle) : handle_(handle), is_running_(true) {}

  pthread_t handle_{};
  bool is_running_ = false;  // and is to be joined
};

}  // namespace viaduct::os

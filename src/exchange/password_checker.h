// SPDX-License-Identifier: Apache-2.0
// Looks at passwords for one worker without holding it up: comparing one with its hash is slow on purpose, so a thread
// of its own does that, of low priority, one password after the other; pairs that were right are remembered, as keyed
// hashes, so that a client's next request costs a look into a table. Owned by the worker, whose thread calls it
// (docs/adr/0018).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "net/loop.h"
#include "os/thread.h"

namespace viaduct::exchange {

// Who waits for an answer.
class PasswordWait {
 public:
  virtual void on_password_checked(bool matches) = 0;

 protected:
  ~PasswordWait() = default;
};

// Somebody says to be a user. REQUIRES: the texts hold no NUL, and os::explain_password_hash(hash) is empty.
struct PasswordClaim {
  std::string_view user;
  std::string_view password;
  std::string_view hash;
};

class PasswordChecker final : private os::ThreadBody {
 public:
  // Passwords that wait to be looked at. With costs as they are usual one takes 3 to 250 ms.
  static constexpr std::size_t kWaitingMax = 64;
  // Pairs that are remembered; each goes when others need its place. 48 KiB.
  static constexpr std::size_t kKnownMax = 2048;
  // Longer ones are wrong, whatever they are: time may grow with the length.
  static constexpr std::size_t kPasswordBytesMax = 256;

  using StartThread = base::Result<os::Thread> (*)(os::ThreadBody& body);

  // `loop` must outlive the checker. `start_thread` starts its thread, at the first password.
  explicit PasswordChecker(net::Loop& loop, StartThread start_thread = os::Thread::start);
  // Waits for the password that is being looked at, if any.
  ~PasswordChecker();
  PasswordChecker(const PasswordChecker&) = delete;
  PasswordChecker& operator=(const PasswordChecker&) = delete;

  // Whether this pair was right a while ago. A user whose hash has changed since is another pair.
  bool knows(const PasswordClaim& claim);
  // Looks at the password, and tells `wait` in a later turn unless forget() comes first. False where too many wait, or
  // where the system has no thread for it, which is tried again with the next password.
  bool check(const PasswordClaim& claim, PasswordWait& wait);
  // Nobody waits any more. Without effect where `wait` was told.
  void forget(const PasswordWait& wait);

 private:
  class Answer;
  // Two independent hashes of a pair: nobody outside can choose one that is known.
  struct Pair {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    bool operator==(const Pair&) const = default;
  };
  struct Waiting {
    PasswordWait* wait = nullptr;
    Pair pair;
  };
  struct Job {
    std::uint64_t number = 0;
    std::string password;
    std::string hash;
  };
  static constexpr std::size_t kWays = 4;

  Pair pair_of(const PasswordClaim& claim);
  // The kWays places where `pair` may be remembered, the one used last in front.
  std::span<Pair> places_of(const Pair& pair);
  bool has_thread();
  void run() override;  // the thread
  void answer(std::uint64_t number, bool matches);

  net::Loop& loop_;
  base::HashKey keys_[2] = {base::HashKey::random(), base::HashKey::random()};
  std::vector<Pair> known_;
  std::string text_;  // of the pair that is being hashed
  std::uint64_t next_number_ = 1;
  std::map<std::uint64_t, Waiting> waiting_;
  std::mutex mutex_;
  std::condition_variable wake_;  // jobs_ or is_ending_ has changed
  std::deque<Job> jobs_;          // guarded by mutex_
  bool is_ending_ = false;        // guarded by mutex_
  StartThread start_thread_;
  bool was_refused_ = false;  // the thread, which the log has been told
  os::Thread thread_;         // runs from the first password on
};

}  // namespace viaduct::exchange

// SPDX-License-Identifier: Apache-2.0
// One attempt to let a newer program take this process's place: starts it with everything of the handover, waits until
// it says that it serves, and tells how it went. Where it does not serve in time, it is ended, and nothing has changed.
// Owned by the supervisor, main thread.
//
//   start() ──► is_waiting() ──"ready"──► on_upgrade_ready()
//                    └── another word, its end, kPatience: killed ──► on_upgrade_failed()
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "daemon/handover.h"
#include "net/loop.h"

namespace viaduct::daemon {

class UpgradeHandler {
 public:
  // Process `pid` serves. The upgrade is over; it may be freed when the turn ends.
  virtual void on_upgrade_ready(pid_t pid) = 0;
  // Nothing has changed; `why` is for the operator, a sentence or, about a config, several lines. As above.
  virtual void on_upgrade_failed(const std::string& why) = 0;

 protected:
  ~UpgradeHandler() = default;
};

class Upgrade final : private net::FdHandler, private net::TimerHandler {
 public:
  // How long the new process may take to serve.
  static constexpr base::Duration kPatience = std::chrono::seconds(30);
  // How long it may live on when it has closed the pipe without a word.
  static constexpr base::Duration kEndPatience = std::chrono::seconds(1);
  static constexpr base::Duration kEndPoll = std::chrono::milliseconds(10);
  // Of what it says in the pipe; the rest is not read. As much as the pipe takes at once, since the new process does
  // not wait for it to be read.
  static constexpr std::size_t kWordBytesMax = 64 * 1024;

  // `loop` and `handler` must outlive the object.
  Upgrade(net::Loop& loop, UpgradeHandler& handler);
  // Ends a process that is still being waited for.
  ~Upgrade();
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;

  // Starts `command`, a program's path and its arguments. Once; an error means that nothing was started.
  base::Result<void> start(const std::vector<std::string>& command, HandoverOffer offer,
                           base::Duration patience = kPatience);
  bool is_waiting() const { return pid_ != 0; }
  // The new process may speak for the service: systemd has heard of it. After on_upgrade_ready().
  void let_speak() { told_.reset(); }

 private:
  void on_fd_readable() override;
  void on_fd_writable() override {}
  void on_timer(int timer_id) override;
  // The pipe has ended: what was said in it counts.
  void finish();
  // It has closed the pipe without a word: by its end, as a rule, which may be a moment away.
  void await_end();
  void fail(std::string why);

  UpgradeHandler& handler_;
  pid_t pid_ = 0;  // 0: nobody is waited for
  os::Fd pipe_;
  os::Fd told_;  // the writing end of HandoverOffer::told
  net::Loop& loop_;
  net::FdWatch watch_;
  net::Timer timer_;
  base::Duration patience_{};
  std::string word_;
  base::MonoTime end_deadline_{};  // when a process that has closed the pipe without a word must have ended
};

}  // namespace viaduct::daemon

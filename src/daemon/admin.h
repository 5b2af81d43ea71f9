// SPDX-License-Identifier: Apache-2.0
// The admin socket: commands from `viaduct stop` and its kind, over a Unix socket that only its owner may use. One line
// in (the command); the answer out, whose first line begins with "ok" or "error: " and behind which any lines may
// follow; then the end. Runs on the main thread's loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/intrusive_list.h"
#include "net/listener.h"
#include "net/loop.h"

namespace viaduct::daemon {

class AdminHandler {
 public:
  // Carries `command` out and returns the answer: "ok" or "error: …", with as many lines behind it as there is to say,
  // without the last line's end. Absent: the answer takes a while, and Admin::answer() gives it to `session`.
  virtual std::optional<std::string> on_admin_command(std::string_view command, std::uint64_t session) = 0;

 protected:
  ~AdminHandler() = default;
};

class Admin final : private net::AcceptHandler {
 public:
  static constexpr std::size_t kCommandBytesMax = 1024;
  // A longer answer is replaced by an error.
  static constexpr std::size_t kAnswerBytesMax = 8 * 1024 * 1024;
  static constexpr std::size_t kSessionsMax = 16;
  // For the command to come; then for the answer to be taken. What the handler needs in between does not count.
  static constexpr base::Duration kSessionTime = std::chrono::seconds(5);

  // Listens on the Unix socket `path`, mode 0600. `loop` and `handler` must outlive the object.
  static base::Result<std::unique_ptr<Admin>> listen(net::Loop& loop, AdminHandler& handler, const std::string& path);
  // Goes on with a socket on which another process listens at `path`, or that systemd has opened there; its file is
  // theirs, until own_file().
  static std::unique_ptr<Admin> adopt(net::Loop& loop, AdminHandler& handler, const std::string& path, os::Fd fd);
  // For listen() and adopt() alone.
  Admin(net::Loop& loop, AdminHandler& handler, std::string path, os::Fd fd, bool owns_file);
  // Closes the socket and removes its file where it is ours.
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  const std::string& path() const { return path_; }
  int descriptor() const { return descriptor_; }
  bool owns_file() const { return owns_file_; }
  // The process that listened here before is gone: the file is ours.
  void own_file() { owns_file_ = true; }
  // Another process listens here now: takes no new clients, answers those that are there, and leaves the file.
  void hand_over();

  // Gives `session` the answer that on_admin_command() did not have yet. Does nothing when its client is gone.
  void answer(std::uint64_t session, std::string text);

 private:
  class Session;

  void on_accept(os::Fd fd, const base::SocketAddress& peer, int listener_id) override;

  net::Loop& loop_;
  AdminHandler& handler_;
  std::string path_;
  int descriptor_;  // of listener_
  bool owns_file_;
  net::Listener listener_;
  base::IntrusiveList<Session, Session> sessions_;
  std::size_t session_count_ = 0;
  std::uint64_t last_session_ = 0;  // they are numbered from 1
};

// The client's side, for the command line: sends `command` to the daemon behind the socket `path` and returns its whole
// answer, without the last line's end. Waits at most `patience` for each part of it.
base::Result<std::string> ask_admin(const std::string& path, std::string_view command,
                                    base::Duration patience = Admin::kSessionTime);
// Whether an answer says that the command was carried out.
bool is_admin_success(std::string_view answer);

}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
// The admin socket: commands from `viaduct stop` and its kind, over a Unix socket that only its owner may use. One line
// in (the command), one line out ("ok" or "error: …"), then the end. Runs on the main thread's loop.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/intrusive_list.h"
#include "net/listener.h"
#include "net/loop.h"

namespace viaduct::daemon {

class AdminHandler {
 public:
  // Carries `command` out and returns the answer's line, without its end.
  virtual std::string on_admin_command(std::string_view command) = 0;

 protected:
  ~AdminHandler() = default;
};

class Admin final : private net::AcceptHandler {
 public:
  static constexpr std::size_t kCommandBytesMax = 1024;
  static constexpr std::size_t kSessionsMax = 16;
  static constexpr base::Duration kSessionTime = std::chrono::seconds(5);

  // Listens on the Unix socket `path`, mode 0600. `loop` and `handler` must outlive the object.
  static base::Result<std::unique_ptr<Admin>> listen(net::Loop& loop, AdminHandler& handler, const std::string& path);
  // For listen() alone.
  Admin(net::Loop& loop, AdminHandler& handler, std::string path, os::Fd fd);
  // Closes the socket and removes its file.
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

 private:
  class Session;

  void on_accept(os::Fd fd, const base::SocketAddress& peer, int listener_id) override;

  net::Loop& loop_;
  AdminHandler& handler_;
  std::string path_;
  net::Listener listener_;
  base::IntrusiveList<Session, Session> sessions_;
  std::size_t session_count_ = 0;
};

// The client's side, for the command line: sends `command` to the daemon behind the socket `path` and returns its line.
// Waits at most Admin::kSessionTime.
base::Result<std::string> ask_admin(const std::string& path, std::string_view command);

}  // namespace viaduct::daemon

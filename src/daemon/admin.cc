// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/format.h"
#include "base/log.h"
#include "os/socket.h"

namespace viaduct::daemon {

// One client of the admin socket: reads a line, answers it, goes.
class Admin::Session final : public base::ListHook<Session>,
                             public net::Retirable,
                             private net::FdHandler,
                             private net::TimerHandler {
 public:
  Session(Admin& admin, os::Fd fd)
      : admin_(admin), fd_(std::move(fd)), watch_(admin.loop_), timer_(admin.loop_.timers(), *this) {
    watch_.open(fd_.get(), *this);
    watch_.set_reading(true);
    timer_.start_after(kSessionTime);
  }

  void end() {
    watch_.close();
    timer_.stop();
    fd_.reset();
    base::ListHook<Session>::unlink();
    --admin_.session_count_;
    admin_.loop_.retire(*this);
  }
  void dispose() override { const std::unique_ptr<Session> self(this); }

 private:
  void on_fd_readable() override {
    std::array<char, kCommandBytesMax> bytes;
    const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0) command_.append(bytes.data(), static_cast<std::size_t>(got));
    const std::size_t line_end = command_.find('\n');
    const bool is_too_long = std::min(line_end, command_.size()) > kCommandBytesMax;
    if (is_too_long || (got <= 0 && line_end == std::string::npos)) {
      end();
    } else if (line_end != std::string::npos) {
      answer(std::string_view(command_).substr(0, line_end));
    }
  }
  void on_fd_writable() override {}
  void on_timer(int) override { end(); }

  void answer(std::string_view command) {
    LOG_INFO("admin_command command={}", base::quoted(command));
    const std::string line = admin_.handler_.on_admin_command(command) + "\n";
    // One short line: it fits into the socket's buffer, or its reader is gone.
    [[maybe_unused]] const ssize_t sent = ::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL);
    end();
  }

  Admin& admin_;
  os::Fd fd_;
  net::FdWatch watch_;
  net::Timer timer_;
  std::string command_;
};

base::Result<std::unique_ptr<Admin>> Admin::listen(net::Loop& loop, AdminHandler& handler, const std::string& path) {
  auto fd =
      os::listen_on(base::SocketAddress::unix_path(path), {.backlog = 16, .reuse_port = false, .unix_mode = 0600});
  if (!fd) return std::unexpected(std::move(fd).error());
  return std::make_unique<Admin>(loop, handler, path, std::move(*fd));
}

Admin::Admin(net::Loop& loop, AdminHandler& handler, std::string path, os::Fd fd)
    : loop_(loop), handler_(handler), path_(std::move(path)), listener_(loop, std::move(fd), *this, 0) {}

Admin::~Admin() {
  while (!sessions_.empty()) sessions_.front().end();
  listener_.close();
  ::unlink(path_.c_str());
}

void Admin::on_accept(os::Fd fd, const base::SocketAddress&, int) {
  if (session_count_ >= kSessionsMax) {
    LOG_WARNING("admin_refused reason=connection_limit limit={}", kSessionsMax);
    return;
  }
  Session& session = *std::make_unique<Session>(*this, std::move(fd)).release();  // frees itself through Loop::retire
  sessions_.push_back(session);
  ++session_count_;
}

base::Result<std::string> ask_admin(const std::string& path, std::string_view command) {
  const os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return base::fail_errno("socket", errno);
  sockaddr_storage storage{};
  const socklen_t length = base::SocketAddress::unix_path(path).to_sockaddr(storage);
  const timeval patience{.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(Admin::kSessionTime).count(),
                         .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) == -1) {
    return base::fail_errno(base::format("no viaduct answers on the admin socket {}", path), errno);
  }
  const std::string line = std::string(command) + "\n";
  if (::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) == -1) return base::fail_errno("send", errno);
  std::string answer;
  std::array<char, 4096> bytes;
  for (ssize_t got = 1; got > 0;) {
    got = ::recv(fd.get(), bytes.data(), bytes.size(), 0);
    if (got == -1) return base::fail_errno("the daemon did not answer", errno);
    answer.append(bytes.data(), static_cast<std::size_t>(got));
  }
  if (answer.empty()) return base::fail("the daemon did not answer; its log says why");
  while (answer.ends_with('\n')) answer.pop_back();
  return answer;
}

}  // namespace viaduct::daemon

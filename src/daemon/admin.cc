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
//
//   kCommand ──a line──► kWorking ──answer()──► kAnswering ──sent──► end()
class Admin::Session final : public base::ListHook<Session>,
                             public net::Retirable,
                             private net::FdHandler,
                             private net::TimerHandler {
 public:
  Session(Admin& admin, os::Fd fd, std::uint64_t number)
      : admin_(admin), fd_(std::move(fd)), number_(number), watch_(admin.loop_), timer_(admin.loop_.timers(), *this) {
    watch_.open(fd_.get(), *this);
    watch_.set_reading(true);
    timer_.start_after(kSessionTime);
  }

  std::uint64_t number() const { return number_; }

  void answer(std::string text) {
    if (state_ != State::kWorking) return;
    state_ = State::kAnswering;
    if (text.size() > kAnswerBytesMax) {
      text = base::format("error: the answer has {} bytes, more than the {} that this socket gives", text.size(),
                          kAnswerBytesMax);
    }
    answer_ = std::move(text) + "\n";
    timer_.start_after(kSessionTime);
    send_answer();
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
  enum class State : std::uint8_t { kCommand, kWorking, kAnswering };

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
      command_.resize(line_end);
      work();
    }
  }
  void on_fd_writable() override { send_answer(); }
  void on_timer(int) override { end(); }

  void work() {
    LOG_INFO("admin_command command={}", base::quoted(command_));
    state_ = State::kWorking;
    // What is sent behind the command is nobody's; a client that leaves is found out when it is answered.
    watch_.set_reading(false);
    timer_.stop();
    if (auto text = admin_.handler_.on_admin_command(command_, number_)) answer(std::move(*text));
  }

  void send_answer() {
    const std::string_view rest = std::string_view(answer_).substr(sent_bytes_);
    const ssize_t sent = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent == -1 && (errno == EAGAIN || errno == EINTR)) return watch_.set_writing(true);
    if (sent > 0) sent_bytes_ += static_cast<std::size_t>(sent);
    if (sent == -1 || sent_bytes_ == answer_.size()) return end();
    // The socket is full: its reader is behind, and has its time for each part.
    timer_.start_after(kSessionTime);
    watch_.set_writing(true);
  }

  Admin& admin_;
  os::Fd fd_;
  std::uint64_t number_;
  net::FdWatch watch_;
  net::Timer timer_;
  State state_ = State::kCommand;
  std::string command_;
  std::string answer_;
  std::size_t sent_bytes_ = 0;
};

base::Result<std::unique_ptr<Admin>> Admin::listen(net::Loop& loop, AdminHandler& handler, const std::string& path) {
  auto fd =
      os::listen_on(base::SocketAddress::unix_path(path), {.backlog = 16, .reuse_port = false, .unix_mode = 0600});
  if (!fd) return std::unexpected(std::move(fd).error());
  return std::make_unique<Admin>(loop, handler, path, std::move(*fd), true);
}

std::unique_ptr<Admin> Admin::adopt(net::Loop& loop, AdminHandler& handler, const std::string& path, os::Fd fd) {
  return std::make_unique<Admin>(loop, handler, path, std::move(fd), false);
}

Admin::Admin(net::Loop& loop, AdminHandler& handler, std::string path, os::Fd fd, bool owns_file)
    : loop_(loop),
      handler_(handler),
      path_(std::move(path)),
      descriptor_(fd.get()),
      owns_file_(owns_file),
      listener_(loop, std::move(fd), *this, 0) {}

Admin::~Admin() {
  while (!sessions_.empty()) sessions_.front().end();
  listener_.close();
  if (owns_file_) ::unlink(path_.c_str());
}

void Admin::hand_over() {
  listener_.close();
  owns_file_ = false;
}

void Admin::on_accept(os::Fd fd, const base::SocketAddress&, int) {
  if (session_count_ >= kSessionsMax) {
    LOG_WARNING("admin_refused reason=connection_limit limit={}", kSessionsMax);
    return;
  }
  // Frees itself through Loop::retire.
  Session& session = *std::make_unique<Session>(*this, std::move(fd), ++last_session_).release();
  sessions_.push_back(session);
  ++session_count_;
}

void Admin::answer(std::uint64_t session, std::string text) {
  Session* found = nullptr;
  sessions_.for_each([&](Session& one) {
    if (one.number() == session) found = &one;
  });
  if (found != nullptr) found->answer(std::move(text));
}

base::Result<std::string> ask_admin(const std::string& path, std::string_view command, base::Duration patience) {
  const os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return base::fail_errno("socket", errno);
  sockaddr_storage storage{};
  const socklen_t length = base::SocketAddress::unix_path(path).to_sockaddr(storage);
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(patience).count();
  const timeval limit{.tv_sec = microseconds / 1'000'000, .tv_usec = microseconds % 1'000'000};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) == -1) {
    return base::fail_errno(base::format("no viaduct answers on the admin socket {}", path), errno);
  }
  const std::string line = std::string(command) + "\n";
  if (::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) == -1) return base::fail_errno("send", errno);
  std::string answer;
  std::array<char, 64 * 1024> bytes;
  for (ssize_t got = 1; got > 0;) {
    got = ::recv(fd.get(), bytes.data(), bytes.size(), 0);
    if (got == -1 && errno != EINTR) return base::fail_errno("the daemon did not answer", errno);
    if (got == -1) {
      got = 1;  // a signal came, and no answer yet
      continue;
    }
    answer.append(bytes.data(), static_cast<std::size_t>(got));
    if (answer.size() > Admin::kAnswerBytesMax + 1) return base::fail("the daemon's answer is too long to be one");
  }
  if (answer.empty()) return base::fail("the daemon did not answer; its log says why");
  if (!answer.ends_with('\n')) return base::fail("the daemon broke its answer off; its log may say why");
  answer.pop_back();
  return answer;
}

bool is_admin_success(std::string_view answer) {
  return answer.substr(0, answer.find_first_of(" \n")) == "ok";
}

}  // namespace viaduct::daemon

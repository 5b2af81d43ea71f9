// SPDX-License-Identifier: Apache-2.0
#include "daemon/upgrade.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/log.h"
#include "os/child.h"

namespace viaduct::daemon {
namespace {

base::Result<void> make_pipe(os::Fd& reading, os::Fd& writing) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == -1) return base::fail_errno("cannot make a pipe", errno);
  reading = os::Fd(ends[0]);
  writing = os::Fd(ends[1]);
  return {};
}

}  // namespace

Upgrade::Upgrade(net::Loop& loop, UpgradeHandler& handler)
    : handler_(handler), loop_(loop), watch_(loop), timer_(loop.timers(), *this) {}

Upgrade::~Upgrade() {
  watch_.close();
  if (pid_ != 0) os::kill_child(pid_);
}

base::Result<void> Upgrade::start(const std::vector<std::string>& command, HandoverOffer offer,
                                  base::Duration patience) {
  CHECK(pid_ == 0 && !command.empty());
  os::Fd writing;
  os::Fd told_reading;
  TRY(make_pipe(pipe_, writing));
  TRY(make_pipe(told_reading, told_));
  offer.told = told_reading.get();
  auto file = write_handover(offer);
  if (!file) return std::unexpected(std::move(file).error());
  os::ChildSetup setup{.command = command,
                       .environment = {base::format("{}={} {}", kHandoverVariable, file->get(), writing.get())},
                       // Said to this process by its number.
                       .without = {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_PID"},
                       .descriptors = {file->get(), writing.get(), offer.told}};
  for (const BoundListener& row : offer.listeners) {
    setup.descriptors.insert(setup.descriptors.end(), row.sockets.begin(), row.sockets.end());
  }
  if (offer.admin_socket != -1) setup.descriptors.push_back(offer.admin_socket);
  if (offer.health) setup.descriptors.push_back(offer.health_socket);
  const auto pid = os::start_child(setup);
  if (!pid) return std::unexpected(pid.error());
  pid_ = *pid;
  patience_ = patience;
  LOG_INFO("upgrade_started pid={} program={}", pid_, base::quoted(command.front()));
  watch_.open(pipe_.get(), *this);
  watch_.set_reading(true);
  timer_.start_after(patience);
  return {};
}

void Upgrade::on_fd_readable() {
  std::array<char, 4096> bytes;
  const ssize_t got = ::read(pipe_.get(), bytes.data(), bytes.size());
  if (got == -1 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0) {
    word_.append(bytes.data(), std::min(static_cast<std::size_t>(got), kWordBytesMax - word_.size()));
    return;
  }
  finish();
}

void Upgrade::finish() {
  if (word_ == kHandoverReady) {
    watch_.close();
    timer_.stop();
    return handler_.on_upgrade_ready(std::exchange(pid_, 0));
  }
  if (!word_.empty()) return fail(word_);
  watch_.close();
  end_deadline_ = loop_.now() + kEndPatience;
  await_end();
}

void Upgrade::await_end() {
  const os::ChildEnd end = os::reap_child(pid_);
  if (end.has_ended) {
    pid_ = 0;
    return fail(base::format("the new process ended with {}", end.text));
  }
  if (loop_.now() >= end_deadline_) return fail("the new program does not know what an upgrade is");
  timer_.start_after(kEndPoll);
}

void Upgrade::on_timer(int) {
  if (end_deadline_ != base::MonoTime()) return await_end();
  const auto seconds = std::chrono::duration<double>(patience_).count();
  fail(base::format("the new process did not serve within {} s", seconds));
}

void Upgrade::fail(std::string why) {
  watch_.close();
  timer_.stop();
  if (pid_ != 0) os::kill_child(std::exchange(pid_, 0));
  while (why.ends_with('\n')) why.pop_back();
  handler_.on_upgrade_failed(why);
}

}  // namespace viaduct::daemon

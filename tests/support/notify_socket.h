// SPDX-License-Identifier: Apache-2.0
// What systemd would hear of this process: a datagram socket that $NOTIFY_SOCKET names as long as the object lives. The
// descriptors of a message are counted, and closed. One thread.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/ip.h"
#include "os/fd.h"
#include "os/service_manager.h"
#include "support/temporary_directory.h"

namespace viaduct::support {

class NotifySocket {
 public:
  NotifySocket() {
    sockaddr_storage storage{};
    const std::string path = directory_ / "notify";
    const socklen_t length = base::SocketAddress::unix_path(path).to_sockaddr(storage);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&storage), length), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~NotifySocket() { ::unsetenv("NOTIFY_SOCKET"); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  int descriptor() const { return fd_.get(); }

  // The next message, empty where there is none; behind it " +N" where it brought N descriptors.
  std::string heard() const {
    std::array<char, 4096> bytes;
    std::array<char, CMSG_SPACE(sizeof(int) * os::kStoredAtOnce)> control;
    iovec piece{.iov_base = bytes.data(), .iov_len = bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got <= 0) return "";
    EXPECT_EQ(message.msg_flags & MSG_CTRUNC, 0);
    const std::size_t count = close_all(message);
    std::string text(bytes.data(), static_cast<std::size_t>(got));
    return count == 0 ? text : text + " +" + std::to_string(count);
  }
  // All messages that wait.
  std::vector<std::string> all() const {
    std::vector<std::string> messages;
    for (std::string text = heard(); !text.empty(); text = heard()) messages.push_back(text);
    return messages;
  }

 private:
  static std::size_t close_all(msghdr& message) {
    std::size_t count = 0;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_type != SCM_RIGHTS) continue;
      std::vector<int> descriptors((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      std::memcpy(descriptors.data(), CMSG_DATA(part), descriptors.size() * sizeof(int));
      for (const int descriptor : descriptors) ::close(descriptor);
      count += descriptors.size();
    }
    return count;
  }

  TemporaryDirectory directory_;
  os::Fd fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

}  // namespace viaduct::support

// SPDX-License-Identifier: Apache-2.0
#include "cli/sample_upstream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace viaduct::cli {
namespace {

using testing::HasSubstr;

// A blocking client.
class Client {
 public:
  explicit Client(const base::SocketAddress& address) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage storage{};
    const socklen_t length = address.to_sockaddr(storage);
    is_connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0;
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }

  bool is_connected() const { return is_connected_; }
  void send(std::string_view bytes) const {
    EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // All bytes until the other side closes.
  std::string read_to_end() const {
    std::string text;
    std::array<char, 4096> bytes;
    for (ssize_t got = 1; got > 0;) {
      got = ::read(fd_.get(), bytes.data(), bytes.size());
      if (got > 0) text.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

 private:
  os::Fd fd_;
  bool is_connected_ = false;
};

constexpr std::string_view kLastGet = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

std::unique_ptr<SampleUpstream> start(std::string name, const base::Clock& clock) {
  auto started = SampleUpstream::start(std::move(name), clock);
  EXPECT_TRUE(started.has_value());
  return started ? std::move(*started) : nullptr;
}

TEST(SampleUpstream, AnswersOnAFreePortOfLoopback) {
  const base::SystemClock clock;
  const auto app = start("app", clock);
  const auto web = start("web", clock);
  EXPECT_EQ(app->address().ip().to_string(), "127.0.0.1");
  EXPECT_NE(app->address().port(), web->address().port());
  EXPECT_EQ(app->name(), "app");
  for (const SampleUpstream* upstream : {app.get(), web.get()}) {
    const Client client(upstream->address());
    client.send(kLastGet);
    EXPECT_THAT(client.read_to_end(), HasSubstr("X-Sample-Upstream: " + upstream->name() + "\r\n"));
  }
}

TEST(SampleUpstream, ServesManyConnectionsAtOnce) {
  const base::SystemClock clock;
  const auto app = start("app", clock);
  std::vector<Client> clients;
  clients.reserve(20);
  for (int count = 0; count < 20; ++count) clients.emplace_back(app->address());
  for (const Client& client : clients) client.send(kLastGet);
  for (const Client& client : clients) EXPECT_THAT(client.read_to_end(), HasSubstr("\"/a\""));
}

TEST(SampleUpstream, ClosesConnectionsBeyondItsLimit) {
  const base::SystemClock clock;
  const auto app = start("app", clock);
  std::vector<Client> clients;
  clients.reserve(SampleUpstream::kConnectionsMax);
  for (std::size_t count = 0; count < SampleUpstream::kConnectionsMax; ++count) clients.emplace_back(app->address());
  const Client excess(app->address());
  EXPECT_EQ(excess.read_to_end(), "");
  clients.back().send(kLastGet);
  EXPECT_THAT(clients.back().read_to_end(), HasSubstr("\"/a\""));
}

TEST(SampleUpstream, EndsInTheMiddleOfAnswersAndListensNoMore) {
  const base::SystemClock clock;
  auto app = start("app", clock);
  const base::SocketAddress address = app->address();
  const Client idle(address);
  const Client slow(address);
  slow.send("GET /api/v1/slow HTTP/1.1\r\nHost: h\r\n\r\n");
  const Client answered(address);
  answered.send(kLastGet);
  EXPECT_THAT(answered.read_to_end(), HasSubstr("\"/a\""));
  app.reset();
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_EQ(slow.read_to_end(), "");
  EXPECT_FALSE(Client(address).is_connected());
}

TEST(SampleUpstream, StartsAndEndsWithoutAnyRequest) {
  const base::SystemClock clock;
  for (int count = 0; count < 20; ++count) {
    auto app = start("app", clock);
    const base::SocketAddress address = app->address();
    app.reset();
    EXPECT_FALSE(Client(address).is_connected());
  }
}

}  // namespace
}  // namespace viaduct::cli

// SPDX-License-Identifier: Apache-2.0
#include "daemon/handover.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "daemon/listen.h"
#include "os/socket.h"
#include "support/temporary_directory.h"

namespace viaduct::daemon {
namespace {

base::SocketAddress loopback() {
  return {*base::IpAddress::parse("127.0.0.1"), 0};
}

// The giver and the taker in one process: what is handed over is a duplicate of what the giver has.
class HandoverTest : public testing::Test {
 protected:
  HandoverTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reading_ = os::Fd(ends[0]);
    writing_ = ends[1];
  }
  ~HandoverTest() override { ::unsetenv(kHandoverVariable); }

  // The descriptors then belong to the taker.
  void set_variable(os::Fd file) {
    const std::string text = std::to_string(file.release()) + " " + std::to_string(writing_);
    ::setenv(kHandoverVariable, text.c_str(), 1);
  }
  void set_file(std::string_view bytes) {
    os::Fd file(::memfd_create("handover", MFD_CLOEXEC));
    EXPECT_EQ(::write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    set_variable(std::move(file));
  }
  // What the giver reads, once the other end is closed.
  std::string said() {
    std::string text(1000, '\0');
    const ssize_t got = ::read(reading_.get(), text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return text;
  }

  os::Fd reading_;
  int writing_ = -1;
  tls::TicketKeys keys_;
};

TEST_F(HandoverTest, IsNothingForAProcessThatTakesNobodysPlace) {
  ::close(writing_);
  const auto taken = Handover::take();
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(*taken, nullptr);
}

TEST_F(HandoverTest, TakesWhatWasOffered) {
  const support::TemporaryDirectory directory;
  const std::string path = directory / "admin.sock";
  auto sockets = open_sockets(loopback(), 2, Sharing::kNobody);
  const auto admin = os::listen_on(base::SocketAddress::unix_path(path), {});
  ASSERT_TRUE(sockets.has_value() && admin.has_value());
  const base::SocketAddress local = os::local_address(sockets->front().get());
  // The third is the first once more, as another worker has it.
  const std::vector<BoundListener> rows = {
      {.number = 4,
       .wanted = loopback(),
       .local = local,
       .options = {},
       .sockets = {(*sockets)[0].duplicate().release(), (*sockets)[1].duplicate().release(),
                   (*sockets)[0].duplicate().release()}}};
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  os::Fd telling(ends[1]);
  auto file = write_handover({.listeners = rows,
                              .admin_path = path,
                              .admin_socket = admin->duplicate().release(),
                              .admin_owns_file = false,
                              .told = ends[0],
                              .orders = {"drain app 10.0.0.1:80", "hold app 100ms"},
                              .ticket_keys = keys_});
  ASSERT_TRUE(file.has_value()) << file.error().message;
  set_variable(std::move(*file));
  auto taken = Handover::take();
  ASSERT_TRUE(taken.has_value()) << taken.error().message;
  EXPECT_EQ(std::getenv(kHandoverVariable), nullptr);
  Handover& handover = **taken;
  EXPECT_EQ(handover.orders, (std::vector<std::string>{"drain app 10.0.0.1:80", "hold app 100ms"}));
  ASSERT_EQ(handover.listeners.size(), 1u);
  EXPECT_EQ(handover.listeners[0].wanted, loopback());
  EXPECT_EQ(handover.listeners[0].local, local);
  EXPECT_EQ(handover.listeners[0].sockets.size(), 2u);
  for (const os::Fd& socket : handover.listeners[0].sockets) {
    EXPECT_NE(::fcntl(socket.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  telling.reset();
  char byte = 0;
  EXPECT_EQ(::read(handover.told.get(), &byte, 1), 0) << "the end";
  EXPECT_NE(::fcntl(handover.told.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(handover.admin_path, path);
  EXPECT_FALSE(handover.admin_owns_file);
  EXPECT_TRUE(os::is_listening(handover.admin_socket.get()));
  tls::TicketKeys::Secret secret;
  keys_.give(secret);
  EXPECT_EQ(handover.ticket_keys, secret);
  handover.report_ready();
  handover.report_failure("too late");
  EXPECT_EQ(said(), kHandoverReady);
}

TEST_F(HandoverTest, TellsWhichFilesGoWithTheSockets) {
  const support::TemporaryDirectory directory;
  std::vector<BoundListener> rows;
  for (const char* name : {"ours.sock", "systemds.sock"}) {
    const auto address = base::SocketAddress::unix_path(directory / name);
    auto sockets = open_sockets(address, 1, Sharing::kNobody);
    ASSERT_TRUE(sockets.has_value());
    rows.push_back({.wanted = address, .local = address, .options = {}, .sockets = {sockets->front().release()}});
  }
  rows[0].file = os::find_socket_file(directory / "ours.sock");
  ASSERT_TRUE(rows[0].file);
  auto file = write_handover({.listeners = rows, .admin_path = "", .ticket_keys = keys_});
  ASSERT_TRUE(file.has_value());
  set_variable(std::move(*file));
  const auto taken = Handover::take();
  ASSERT_TRUE(taken.has_value()) << taken.error().message;
  ASSERT_EQ((*taken)->listeners.size(), 2u);
  EXPECT_EQ((*taken)->listeners[0].file, rows[0].file);
  EXPECT_EQ((*taken)->listeners[1].file, std::nullopt);
}

TEST_F(HandoverTest, SaysThatItWentWrongWhereNobodyElseDoes) {
  auto file = write_handover({.listeners = {}, .admin_path = "", .ticket_keys = keys_});
  set_variable(std::move(*file));
  {
    const auto taken = Handover::take();
  }
  EXPECT_EQ(said(), "it ended before it served");
}

TEST_F(HandoverTest, RefusesAFileThatIsNone) {
  const std::string keys(tls::TicketKeys::kSecretBytes, 'k');
  const os::Fd quiet(::memfd_create("x", MFD_CLOEXEC));
  const std::string number = std::to_string(quiet.get());
  for (const std::string& bytes :
       {std::string(), keys.substr(1), keys, keys + "{", keys + "[]", keys + "{}", keys + R"({"listeners":3})",
        keys + R"({"listeners":[3]})", keys + R"({"listeners":[{"wanted":"127.0.0.1:0"}]})",
        keys + R"({"listeners":[{"wanted":"127.0.0.1:0","sockets":[]}]})",
        keys + R"({"listeners":[{"wanted":"127.0.0.1:0","sockets":["1"]}]})",
        keys + R"({"listeners":[{"wanted":"127.0.0.1:0","sockets":[1]}]})",
        keys + R"({"listeners":[{"wanted":"127.0.0.1:0","sockets":[)" + number + "]}]}",
        keys + R"({"listeners":[{"wanted":"nowhere","sockets":[5]}]})",
        keys + R"({"listeners":[],"admin":{"path":"/x","socket":)" + number + "}}"}) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    ::close(std::exchange(writing_, ends[1]));
    reading_ = os::Fd(ends[0]);
    set_file(bytes);
    const auto taken = Handover::take();
    EXPECT_FALSE(taken.has_value()) << bytes.substr(std::min(bytes.size(), keys.size()));
    EXPECT_NE(said().find("handover"), std::string::npos) << bytes.substr(std::min(bytes.size(), keys.size()));
    writing_ = -1;
  }
}

TEST_F(HandoverTest, DoesNotWaitToBeToldByWhatIsNoPipe) {
  const std::string keys(tls::TicketKeys::kSecretBytes, 'k');
  set_file(keys + R"({"listeners":[],"told":1000000})");
  const auto taken = Handover::take();
  ASSERT_TRUE(taken.has_value()) << taken.error().message;
  EXPECT_FALSE((*taken)->told);
  (*taken)->report_ready();
}

TEST_F(HandoverTest, RefusesAVariableThatNamesNoDescriptors) {
  ::close(writing_);
  const std::string file = std::to_string(reading_.get());
  for (const std::string& text : {std::string(), std::string("x"), std::string("5"), std::string("5 "),
                                  std::string("0 1"), std::string("5 6 7"), std::string("1000000 1000001")}) {
    ::setenv(kHandoverVariable, text.c_str(), 1);
    EXPECT_FALSE(Handover::take().has_value()) << text;
  }
}

}  // namespace
}  // namespace viaduct::daemon

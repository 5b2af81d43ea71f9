// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_ports.h"

#include <gtest/gtest.h>

#include "base/ip.h"
#include "os/socket.h"

namespace viaduct::cli {
namespace {

os::Fd listen_somewhere() {
  auto socket = os::listen_on({*base::IpAddress::parse("127.0.0.1"), 0}, {.reuse_port = false});
  EXPECT_TRUE(socket.has_value());
  return socket ? std::move(*socket) : os::Fd();
}

std::uint16_t port_of(const os::Fd& socket) {
  return os::local_address(socket.get()).port();
}

TEST(DemoPorts, TakesWhatIsWantedWhereItIsFree) {
  os::Fd first = listen_somewhere();
  os::Fd second = listen_somewhere();
  const DemoPorts wanted{.http = port_of(first), .https = port_of(second)};
  first.reset();
  second.reset();
  EXPECT_EQ(choose_ports(wanted), wanted);
  // Nothing stays bound.
  EXPECT_EQ(choose_ports(wanted), wanted);
}

TEST(DemoPorts, TakesAnotherPortWhereOneIsTaken) {
  const os::Fd first = listen_somewhere();
  const os::Fd second = listen_somewhere();
  const DemoPorts taken{.http = port_of(first), .https = port_of(second)};
  const auto chosen = choose_ports(taken);
  ASSERT_TRUE(chosen.has_value());
  EXPECT_NE(chosen->http, taken.http);
  EXPECT_NE(chosen->https, taken.https);
  EXPECT_NE(chosen->http, 0);
  EXPECT_NE(chosen->https, 0);
}

TEST(DemoPorts, NeverTakesOnePortForBoth) {
  os::Fd socket = listen_somewhere();
  const std::uint16_t port = port_of(socket);
  socket.reset();
  const auto chosen = choose_ports({.http = port, .https = port});
  ASSERT_TRUE(chosen.has_value());
  EXPECT_EQ(chosen->http, port);
  EXPECT_NE(chosen->https, port);
  const auto any = choose_ports({.http = 0, .https = 0});
  ASSERT_TRUE(any.has_value());
  EXPECT_NE(any->http, any->https);
}

}  // namespace
}  // namespace viaduct::cli

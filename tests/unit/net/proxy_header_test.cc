// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_header.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace viaduct::net {
namespace {

using Status = ProxyHeader::Status;

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  std::string digits;
  std::ranges::copy_if(hex, std::back_inserter(digits), [](char byte) { return byte != ' '; });
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

const std::string kSignature = bytes_of("0d0a0d0a 000d0a51 5549540a");

// Version 2: what stands behind the signature, and a length for `rest`.
std::string v2(std::string_view version_and_family, const std::string& rest) {
  const auto length = static_cast<std::uint16_t>(rest.size());
  return kSignature + bytes_of(version_and_family) + static_cast<char>(length >> 8) + static_cast<char>(length & 0xff) +
         rest;
}

const std::string kV4Block = bytes_of("c0000201 cb007107 d431 01bb");
const std::string kV6Block = bytes_of(
    "20010db8000000000000000000000001"
    "20010db8000000000000000000000002 0050 01bb");

// What is read of `bytes`, as a line: "192.0.2.1:54321 > 203.0.113.7:443", "own" or the status.
std::string shown(std::string_view bytes) {
  const ProxyHeader header = parse_proxy_header(bytes);
  switch (header.status) {
    case Status::kIncomplete: return "incomplete";
    case Status::kInvalid: return "invalid";
    case Status::kComplete: break;
  }
  const std::string end = " +" + std::to_string(bytes.size() - header.bytes);
  if (!header.announces) return "own" + end;
  return header.source.to_string() + " > " + header.destination.to_string() + end;
}

struct Row {
  std::string bytes;
  std::string expected;
};

class GoodProxyHeader : public testing::TestWithParam<Row> {};

TEST_P(GoodProxyHeader, IsRead) {
  EXPECT_EQ(shown(GetParam().bytes), GetParam().expected + " +0");
}

TEST_P(GoodProxyHeader, EndsWhereTheNextByteIsSomebodyElses) {
  for (const std::string_view behind : {"G", "\r\n", "\x16\x03\x01", "PROXY ", "\0"}) {
    const std::string both = GetParam().bytes + std::string(behind.empty() ? std::string_view("\0", 1) : behind);
    EXPECT_EQ(parse_proxy_header(both).status, Status::kComplete);
    EXPECT_EQ(parse_proxy_header(both).bytes, GetParam().bytes.size());
  }
}

TEST_P(GoodProxyHeader, IsIncompleteUntilItsLastByte) {
  const std::string& bytes = GetParam().bytes;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(shown(bytes.substr(0, size)), "incomplete") << size;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, GoodProxyHeader,
    testing::Values(
        Row{"PROXY TCP4 192.0.2.1 203.0.113.7 54321 443\r\n", "192.0.2.1:54321 > 203.0.113.7:443"},
        Row{"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
            "255.255.255.255:65535 > 255.255.255.255:65535"},
        Row{"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0 > 0.0.0.0:0"},
        Row{"PROXY TCP6 2001:db8::1 2001:DB8::2 80 443\r\n", "[2001:db8::1]:80 > [2001:db8::2]:443"},
        Row{"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
            "65535\r\n",
            "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 > [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
        Row{"PROXY TCP6 ::ffff:192.0.2.1 ::1 80 443\r\n", "192.0.2.1:80 > [::1]:443"}, Row{"PROXY UNKNOWN\r\n", "own"},
        Row{"PROXY UNKNOWN 1.2.3.4 whatever \x01 there\r\n", "own"},
        Row{"PROXY UNKNOWN " + std::string(91, 'x') + "\r\n", "own"},  // 107 bytes
        Row{v2("21 11", kV4Block), "192.0.2.1:54321 > 203.0.113.7:443"},
        Row{v2("21 11", kV4Block + bytes_of("04 0003 616263")), "192.0.2.1:54321 > 203.0.113.7:443"},
        Row{v2("21 11", kV4Block + std::string(4096 - 16 - 12, 'x')), "192.0.2.1:54321 > 203.0.113.7:443"},
        Row{v2("21 21", kV6Block), "[2001:db8::1]:80 > [2001:db8::2]:443"},
        Row{v2("21 31", std::string(216, '/')), "own"},  // Unix paths are no addresses
        Row{v2("20 00", ""), "own"}, Row{v2("20 11", kV4Block), "own"}, Row{v2("20 00", std::string(300, 'x')), "own"},
        Row{v2("21 00", ""), "own"}, Row{v2("21 00", "whatever"), "own"}, Row{v2("21 10", ""), "own"}));

class BadProxyHeader : public testing::TestWithParam<std::string> {};

TEST_P(BadProxyHeader, IsRefused) {
  EXPECT_EQ(shown(GetParam()), "invalid");
}

// Whoever was refused once does not become valid by what it sends behind.
TEST_P(BadProxyHeader, IsRefusedHoweverItComes) {
  const std::string& bytes = GetParam();
  std::size_t size = 0;
  while (size < bytes.size() && shown(bytes.substr(0, size)) == "incomplete") ++size;
  for (; size <= bytes.size(); ++size) EXPECT_EQ(shown(bytes.substr(0, size)), "invalid") << size;
}

INSTANTIATE_TEST_SUITE_P(
    All, BadProxyHeader,
    testing::Values("GET / HTTP/1.1\r\n", "\x16\x03\x01\x02", "proxy TCP4 192.0.2.1 203.0.113.7 1 2\r\n", "PROXY\r\n",
                    "PROXY \r\n", "PROXY TCP5 192.0.2.1 203.0.113.7 1 2\r\n",
                    "PROXY UDP4 192.0.2.1 203.0.113.7 1 2\r\n", "PROXY TCP4\r\n",
                    "PROXY TCP4 192.0.2.1 203.0.113.7 1\r\n", "PROXY TCP4 192.0.2.1 203.0.113.7 1 2 3\r\n",
                    "PROXY TCP4  192.0.2.1 203.0.113.7 1 2\r\n", "PROXY TCP4 192.0.2.1 203.0.113.7 1 2 \r\n",
                    "PROXY TCP4 192.0.2.1 203.0.113.7 1 65536\r\n", "PROXY TCP4 192.0.2.1 203.0.113.7 1 100000\r\n",
                    "PROXY TCP4 192.0.2.1 203.0.113.7 01 2\r\n", "PROXY TCP4 192.0.2.1 203.0.113.7 +1 2\r\n",
                    "PROXY TCP4 192.0.2.1 203.0.113.7 -1 2\r\n", "PROXY TCP4 192.0.2.1 203.0.113.7  2\r\n",
                    "PROXY TCP4 192.0.2.01 203.0.113.7 1 2\r\n", "PROXY TCP4 192.0.2.256 203.0.113.7 1 2\r\n",
                    "PROXY TCP4 192.0.2 203.0.113.7 1 2\r\n", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
                    "PROXY TCP6 192.0.2.1 203.0.113.7 1 2\r\n", "PROXY TCP6 [2001:db8::1] [2001:db8::2] 1 2\r\n",
                    "PROXY TCP6 2001:db8::1%lo ::1 1 2\r\n", "PROXY TCP4 192.0.2.1 203.0.113.7 1 2\n",
                    "PROXY TCP4 192.0.2.1 203.0.113.7 1 2\rG", "PROXY TCP4 192.0.2.1\t203.0.113.7 1 2\r\n",
                    "PROXY UNKNOWNX\r\n", "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n",  // 108 bytes
                    "PROXY UNKNOWN " + std::string(200, 'x'), v2("11 11", kV4Block), v2("31 11", kV4Block),
                    v2("22 11", kV4Block), v2("2f 11", kV4Block), v2("21 12", kV4Block), v2("21 13", kV4Block),
                    v2("21 41", kV4Block), v2("21 11", kV4Block.substr(1)), v2("21 21", kV6Block.substr(1)),
                    v2("21 31", std::string(215, '/')), v2("21 11", kV4Block + std::string(4096 - 16 - 12 + 1, 'x')),
                    v2("20 00", std::string(65535, 'x')), "\r\n\r\nGET / HTTP/1.1\r\n"));

}  // namespace
}  // namespace viaduct::net

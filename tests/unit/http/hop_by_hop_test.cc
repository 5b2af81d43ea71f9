// SPDX-License-Identifier: Apache-2.0
#include "http/hop_by_hop.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/field_list.h"

namespace viaduct::http {
namespace {

using support::FieldList;

struct Row {
  std::vector<FieldList::Line> lines;
  std::string left;
};

void check(const std::vector<Row>& rows, void (*remove)(Fields&)) {
  for (const Row& row : rows) {
    FieldList fields;
    for (const FieldList::Line& line : row.lines) fields->add(line.name, line.value);
    const std::string before = fields.text();
    remove(*fields);
    EXPECT_EQ(fields.text(), row.left) << before;
  }
}

TEST(HopByHop, LeavesEndToEndFieldsAsTheyAre) {
  check(
      {{{}, ""},
       {{{"host", "a"}, {"X-WeChat-OpenID", "1"}, {"x-wechat-openid", "2"}, {"Content-Length", "3"}, {"Trailer", "x"}},
        "host: a|X-WeChat-OpenID: 1|x-wechat-openid: 2|Content-Length: 3|Trailer: x"}},
      remove_hop_by_hop_request);
}

TEST(HopByHop, RemovesWhatIsAboutOneConnection) {
  const std::vector<FieldList::Line> lines = {
      {"A", "1"},
      {"connection", "close"},
      {"Keep-Alive", "timeout=5"},
      {"PROXY-CONNECTION", "keep-alive"},
      {"Transfer-Encoding", "chunked"},
      {"Upgrade", "websocket"},
      {"TE", "trailers"},
      {"HTTP2-Settings", "AAMAAABk"},
      {"Proxy-Authorization", "Basic x"},
      {"Proxy-Authenticate", "Basic"},
      {"Connection", "keep-alive"},
      {"B", "2"},
  };
  check({{lines, "A: 1|B: 2"}}, remove_hop_by_hop_request);
  check({{lines, "A: 1|B: 2"}}, remove_hop_by_hop_response);
  check({{{{"Expect", "100-continue"}, {"A", "1"}}, "A: 1"}}, remove_hop_by_hop_request);
  check({{{{"Expect", "x"}, {"A", "1"}}, "Expect: x|A: 1"}}, remove_hop_by_hop_response);
}

// RFC 9440 §4: whoever terminates TLS says who came.
TEST(HopByHop, LetsNoClientSayWhichCertificateItHas) {
  const std::vector<FieldList::Line> lines = {
      {"Client-Cert", ":AAAA:"}, {"client-cert-chain", ":AAAA:"}, {"Client_Cert", ":AAAA:"}, {"CLIENT-cert_Chain", "x"},
      {"client-cert", ""},       {"Client-Certificate", "1"},     {"X-Cert", "2"},           {"Client_Certs", "3"},
      {"Client-Cer", "4"},
  };
  const std::string others = "Client-Certificate: 1|X-Cert: 2|Client_Certs: 3|Client-Cer: 4";
  check({{lines, others}}, remove_hop_by_hop_request);
  check({{lines, others}}, remove_hop_by_hop_trailers);
  check({{{{"Connection", "client-cert"}, {"Client-Cert", "x"}}, "Client-Cert: x"}}, remove_hop_by_hop_response);
}

// RFC 9113 §8.2.2.
TEST(HopByHop, KnowsWhatHttp2KeepsOut) {
  for (const std::string_view name : {"Connection", "keep-alive", "Proxy-Connection", "TRANSFER-ENCODING", "upgrade"}) {
    EXPECT_TRUE(is_connection_specific(find_field_name(name))) << name;
  }
  for (const std::string_view name : {"TE", "Host", "Expect", "Trailer", "Content-Length", "HTTP2-Settings", "Priority",
                                      "Proxy-Authorization", "X-Connection", "Cookie"}) {
    EXPECT_FALSE(is_connection_specific(find_field_name(name))) << name;
  }
}

TEST(HopByHop, RemovesTheFieldsThatConnectionNames) {
  const std::vector<Row> rows = {
      {{{"Connection", "X-Hop"}, {"X-Hop", "1"}, {"x-hop", "2"}, {"X-Hop2", "3"}}, "X-Hop2: 3"},
      {{{"X-Hop", "1"}, {"A", "2"}, {"Connection", "close, x-hOP"}}, "A: 2"},
      {{{"Connection", " , ,x-a ,,\tX-B, "}, {"X-A", "1"}, {"X-B", "2"}, {"X-C", "3"}}, "X-C: 3"},
      // two lines, as payment platforms send them
      {{{"Connection", "x-a"}, {"X-A", "1"}, {"X-B", "2"}, {"Connection", "Keep-Alive, x-b"}, {"C", "3"}}, "C: 3"},
      {{{"Connection", "Keep-Alive"}, {"A", "1"}, {"Connection", "close"}}, "A: 1"},
      {{{"Connection", ""}, {"A", "1"}}, "A: 1"},
      // no token, no field
      {{{"Connection", "\"X-A\""}, {"X-A", "1"}}, "X-A: 1"},
      {{{"Connection", "X-A;q=1"}, {"X-A", "1"}}, "X-A: 1"},
      {{{"Connection", "close"}, {"Close", "1"}}, "Close: 1"},
  };
  check(rows, remove_hop_by_hop_request);
  check(rows, remove_hop_by_hop_response);
}

TEST(HopByHop, NeverRemovesProtectedFields) {
  const std::string_view names[] = {
      "Host",
      "Authorization",
      "Cookie",
      "Set-Cookie",
      "Content-Length",
      "Content-Type",
      "Content-Encoding",
      "Content-Range",
      "Content-Disposition",
      "Date",
      "Location",
      "Cache-Control",
      "Expires",
      "Vary",
      "ETag",
      "Origin",
      "Referer",
      "User-Agent",
      "Accept",
      "Accept-Language",
      "Access-Control-Allow-Origin",
      "Access-Control-Anything",
      "X-Forwarded-For",
      "X-Forwarded-Proto",
      "X-Forwarded-Client-Cert",
      "X-Forwarded",
      "X-Real-IP",
      "X-Request-ID",
      "Forwarded",
      "True-Client-IP",
      "CF-Connecting-IP",
      "X-Internal-Secret",
      "X-User-ID",
      "X-Auth-Token",
      "X-CSRF-Token",
      "X-WeChat-OpenID",
      "Wechatpay-Signature",
      "Wechatpay-Timestamp",
      "Wechatpay-Nonce",
      "Wechatpay-Serial",
      "Sec-WebSocket-Key",
      "Strict-Transport-Security",
      "X-Frame-Options",
      "Content-Security-Policy",
      "WWW-Authenticate",
      "If-None-Match",
      "Signature-Input",
      "traceparent",
      "Trailer",
  };
  for (const std::string_view name : names) {
    EXPECT_TRUE(is_protected(name)) << name;
    for (const auto remove : {remove_hop_by_hop_request, remove_hop_by_hop_response}) {
      FieldList fields{{"Connection", name}, {name, "kept"}};
      const std::string list = "close, " + std::string(name) + ", x";
      fields->add("Connection", list);
      remove(*fields);
      EXPECT_EQ(fields.text(), std::string(name) + ": kept");
    }
  }
}

TEST(HopByHop, ProtectsNoOtherFields) {
  for (const std::string_view name : {"Keep-Alive", "TE", "Upgrade", "Connection", "X-Hop", "X", "Foo", "X-Forward",
                                      "Contents", "", "Wechatpay", "Age2", "X-Custom-Header"}) {
    EXPECT_FALSE(is_protected(name)) << name;
  }
}

TEST(HopByHop, LooksAtABoundedNumberOfOptions) {
  for (const std::size_t before : {kConnectionOptionsMax - 1, kConnectionOptionsMax}) {
    std::string value;
    // Names that are known cost nothing; the others count.
    for (std::size_t i = 0; i < before; ++i) value += "close, Host, TE, x" + std::to_string(i) + ",";
    FieldList fields{{"Connection", value + "X-Last"}, {"X0", "1"}, {"X-Last", "2"}};
    remove_hop_by_hop_request(*fields);
    EXPECT_EQ(fields.text(), before < kConnectionOptionsMax ? "" : "X-Last: 2");
  }
}

TEST(HopByHop, TakesHugeAndEightBitValues) {
  const std::string huge(100000, ',');
  const std::string name(30000, '\xff');
  FieldList fields{{"Connection", huge}, {"Connection", name}, {name, "1"}, {"A", "2"}};
  remove_hop_by_hop_request(*fields);
  EXPECT_EQ(fields.text(), "A: 2");
}

TEST(HopByHop, KeepsOutOfTrailersWhatChangesTheMessage) {
  check({{{{"Transfer-Encoding", "chunked"},
           {"Content-Length", "5"},
           {"Host", "evil"},
           {"Authorization", "x"},
           {"Cookie", "x"},
           {"Set-Cookie", "x"},
           {"Cache-Control", "x"},
           {"Content-Type", "x"},
           {"Content-Encoding", "x"},
           {"Content-Range", "x"},
           {"Content-Disposition", "x"},
           {"Trailer", "x"},
           {"TE", "x"},
           {"Connection", "x-sum"},
           {"Expect", "100-continue"},
           {"Max-Forwards", "0"},
           {"Pragma", "x"},
           {"If-Match", "*"},
           {"WWW-Authenticate", "x"},
           {"X-Forwarded-For", "10.0.0.1"},
           {"X-Real-IP", "10.0.0.1"},
           {"X_Real_Ip", "10.0.0.1"},
           {"x_forwarded-for", "10.0.0.1"},
           {"X_User_ID", "1"},
           {"X-User-ID", "1"},
           {"Access-Control-Allow-Origin", "*"},
           {"Location", "/"},
           {"x-sum", "abc"},
           {"grpc-status", "0"},
           {"Server-Timing", "db;dur=53"},
           {"Content-Digest", "sha-256=:x:"},
           {"Content-MD5", "x"},
           {"Digest", "x"},
           {"Signature", "x"},
           {"ETag", "\"x\""}},
          "x-sum: abc|grpc-status: 0|Server-Timing: db;dur=53|Content-Digest: sha-256=:x:|Content-MD5: x|Digest: x|"
          "Signature: x|ETag: \"x\""}},
        remove_hop_by_hop_trailers);
}

}  // namespace
}  // namespace viaduct::http

// SPDX-License-Identifier: Apache-2.0
// Field lists in, heads or reasons out: the rules of RFC 9113 §8.2 and §8.3 row by row.
#include "codec/h2_head_reader.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "base/arena.h"

namespace viaduct::codec {
namespace {

using namespace std::string_view_literals;
using http::BodyKind;
using http::Method;
using http::Reason;
using Kind = H2HeadReader::Kind;
using FieldRows = std::vector<std::pair<std::string_view, std::string_view>>;

const FieldRows kGet = {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}};

FieldRows with(FieldRows fields, const FieldRows& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}
FieldRows get(const FieldRows& more) {
  return with(kGet, more);
}
// kGet with another value of a pseudo-header field; without it where the value has no bytes at all.
FieldRows changed(std::string_view name, std::string_view value, const FieldRows& more = {}) {
  FieldRows fields;
  for (const auto& [key, old] : kGet) {
    if (key != name) fields.emplace_back(key, old);
    if (key == name && value.data() != nullptr) fields.emplace_back(key, value);
  }
  return with(fields, more);
}
FieldRows without(std::string_view name, const FieldRows& more = {}) {
  return changed(name, {}, more);
}

class H2HeadReaderTest : public testing::Test {
 protected:
  Reason read(const FieldRows& fields, bool end = true) {
    head_ = arena_.make<http::RequestHead>(arena_);
    reader_.begin(Kind::kRequest, limits_, head_->fields);
    for (const auto& [name, value] : fields) reader_.add(name, value);
    return reader_.finish_request(*head_, end);
  }
  // "name: value|name: value" of the fields that were read.
  static std::string text_of(const http::Fields& fields) {
    std::string text;
    for (const http::Field& field : fields) {
      EXPECT_EQ(field.id, http::find_field_name(field.name));
      text.append(text.empty() ? "" : "|").append(field.name).append(": ").append(field.value);
    }
    return text;
  }
  // Each is refused so, and is malformed, whatever good fields stand behind it.
  void expect_malformed(Reason reason, const std::vector<FieldRows>& rows, bool end = true) {
    for (const FieldRows& row : rows) {
      std::string shown;
      for (const auto& [name, value] : row) shown.append(name).append(": ").append(value).append("\n");
      for (const FieldRows& fields : {row, with(row, {{"x-more", "1"}})}) {
        EXPECT_EQ(read(fields, end), reason) << shown;
        EXPECT_TRUE(reader_.is_malformed()) << shown;
      }
    }
  }

  H2Limits limits_;
  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  H2HeadReader reader_;
  http::RequestHead* head_ = nullptr;
};

// ---- what is filled in ----------------------------------------------------------------------------------------------

TEST_F(H2HeadReaderTest, FillsInARequest) {
  ASSERT_EQ(read({{":method", "POST"},
                  {":scheme", "HTTP"},
                  {":path", "/x?y"},
                  {":authority", "A.b:8"},
                  {"x-a", "1"},
                  {"content-length", "7"},
                  {"x-a", "2"},
                  {"expect", "100-continue"}},
                 false),
            Reason::kNone);
  EXPECT_FALSE(reader_.is_malformed());
  EXPECT_EQ(head_->method, Method::kPost);
  EXPECT_EQ(head_->method_text, "POST");
  EXPECT_EQ(head_->target, "/x?y");
  EXPECT_EQ(head_->authority, "A.b:8");
  EXPECT_EQ(head_->version, http::Version::kHttp2);
  EXPECT_EQ(head_->body, (http::BodySize{.kind = BodyKind::kSized, .bytes = 7}));
  EXPECT_EQ(head_->protocol, "");
  EXPECT_TRUE(head_->expects_continue);
  EXPECT_EQ(text_of(head_->fields), "Host: A.b:8|x-a: 1|content-length: 7|x-a: 2|expect: 100-continue");
}

TEST_F(H2HeadReaderTest, NamesTheHostOnce) {
  ASSERT_EQ(read(get({{"x", "1"}, {"host", "A"}})), Reason::kNone);
  EXPECT_EQ(head_->authority, "a");
  EXPECT_EQ(text_of(head_->fields), "x: 1|host: A");
  ASSERT_EQ(read(without(":authority", {{"x", "1"}, {"host", "b:8"}})), Reason::kNone);
  EXPECT_EQ(head_->authority, "b:8");
  EXPECT_EQ(text_of(head_->fields), "x: 1|host: b:8");
}

TEST_F(H2HeadReaderTest, KnowsHowLongABodyIs) {
  struct Row {
    FieldRows fields;
    bool end;
    http::BodySize body;
  };
  const std::vector<Row> rows = {
      {{}, true, {}},
      {{}, false, {.kind = BodyKind::kStream}},
      {{{"content-length", "0"}}, true, {.kind = BodyKind::kSized}},
      {{{"content-length", "0"}}, false, {.kind = BodyKind::kSized}},
      {{{"content-length", "9223372036854775807"}}, false, {.kind = BodyKind::kSized, .bytes = 9223372036854775807u}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(read(get(row.fields), row.end), Reason::kNone);
    EXPECT_EQ(head_->body, row.body);
    EXPECT_FALSE(head_->expects_continue);
  }
}

TEST_F(H2HeadReaderTest, ExpectsNothingWhereNoBodyFollows) {
  EXPECT_EQ(read(get({{"expect", "100-continue"}}), true), Reason::kNone);
  EXPECT_FALSE(head_->expects_continue);
  EXPECT_EQ(read(get({{"expect", "x"}}), false), Reason::kUnsupportedExpectation);
  EXPECT_FALSE(reader_.is_malformed());
}

TEST_F(H2HeadReaderTest, JoinsCookies) {
  const std::vector<std::pair<FieldRows, std::string>> rows = {
      {{{"cookie", "a=1"}}, "Host: a|cookie: a=1"},
      {{{"cookie", "a=1; b=2"}, {"x", "1"}, {"cookie", "c=3"}, {"cookie", "d=4"}},
       "Host: a|Cookie: a=1; b=2; c=3; d=4|x: 1"},
      {{{"x", "1"}, {"cookie", ""}, {"cookie", "b=2"}}, "Host: a|x: 1|Cookie: b=2"},
      {{{"cookie", "a=1"}, {"cookie", ""}}, "Host: a|Cookie: a=1"},
      {{{"cookie", ""}, {"cookie", ""}}, "Host: a|Cookie: "},
      {{{"cookie", "a=1"}, {"cookie", ""}, {"cookie", "b=2"}}, "Host: a|Cookie: a=1; b=2"},
  };
  for (const auto& [fields, text] : rows) {
    EXPECT_EQ(read(get(fields)), Reason::kNone);
    EXPECT_EQ(text_of(head_->fields), text);
  }
}

TEST_F(H2HeadReaderTest, TakesEveryTargetAndHostThatHttp1Takes) {
  for (const std::string_view path :
       {"/", "//", "/a?b?c", "/%2e%2e/%2F", "/%zz", "/\xc3\xa4", "/a:b@c", "/http://x/"}) {
    EXPECT_EQ(read(changed(":path", path)), Reason::kNone) << path;
    EXPECT_EQ(head_->target, path);
  }
  for (const std::string_view host : {"a", "a:80", "a:", "[::1]", "[::1]:8080", "1.2.3.4", "A_b-c.d."}) {
    EXPECT_EQ(read(changed(":authority", host)), Reason::kNone) << host;
    EXPECT_EQ(head_->authority, host);
  }
  for (const std::string_view scheme : {"http", "https", "HTTPS"}) {
    EXPECT_EQ(read(changed(":scheme", scheme)), Reason::kNone) << scheme;
  }
  FieldRows options = changed(":path", "*");
  options[0].second = "OPTIONS";
  EXPECT_EQ(read(options), Reason::kNone);
  EXPECT_EQ(head_->target, "*");
}

TEST_F(H2HeadReaderTest, TakesValuesOfEveryByteThatHttp1Takes) {
  std::string value;
  for (int byte = 0x21; byte < 256; ++byte) {
    if (byte != 0x7f) value += static_cast<char>(byte);
  }
  for (const std::string& each : {value, "a b\tc" + value, std::string()}) {
    EXPECT_EQ(read(get({{"!#$%&'*+-.^_`|~09az", each}})), Reason::kNone);
    EXPECT_EQ(head_->fields.find("!#$%&'*+-.^_`|~09az")->value, each);
  }
}

// RFC 8441 §4: what an upgrade of HTTP/1.1 would be.
TEST_F(H2HeadReaderTest, MakesAGetOfAnExtendedConnect) {
  FieldRows fields = get({{":protocol", "websocket"}, {"sec-websocket-version", "13"}});
  fields[0].second = "CONNECT";
  ASSERT_EQ(read(fields, false), Reason::kNone);
  EXPECT_EQ(head_->method, Method::kGet);
  EXPECT_EQ(head_->method_text, "GET");
  EXPECT_EQ(head_->target, "/");
  EXPECT_EQ(head_->protocol, "websocket");
  EXPECT_EQ(head_->body, http::BodySize{});
  fields[4].second = "gopher";
  EXPECT_EQ(read(fields, false), Reason::kUnsupportedMethod);
  EXPECT_FALSE(reader_.is_malformed());
  fields[4] = {":protocol", ""};
  EXPECT_EQ(read(fields, false), Reason::kUnsupportedMethod);
}

// ---- what is refused ------------------------------------------------------------------------------------------------

TEST_F(H2HeadReaderTest, RefusesPseudoHeaderFieldsOutOfPlace) {
  expect_malformed(Reason::kMalformedHeader, {
                                                 get({{":test", "x"}}),
                                                 get({{":", "x"}}),
                                                 get({{":Path", "/"}}),
                                                 get({{":status", "200"}}),
                                                 get({{":method", "GET"}}),
                                                 get({{":scheme", "https"}}),
                                                 get({{":authority", "a"}}),
                                                 get({{":path", "/"}}),
                                                 get({{":path", ""}}),
                                                 without(":path", {{"x", "1"}, {":path", "/"}}),
                                                 without(":method", {{"x", "1"}, {":method", "GET"}}),
                                                 without(":authority", {{"x", "1"}, {":authority", "a"}}),
                                             });
}

TEST_F(H2HeadReaderTest, RefusesRequestsThatAreNotWhole) {
  FieldRows with_protocol = get({{":protocol", "websocket"}});
  FieldRows connect = with_protocol;
  connect[0].second = "CONNECT";
  const auto connect_without = [&connect](std::size_t index) {
    FieldRows fields = connect;
    fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(index));
    return fields;
  };
  expect_malformed(Reason::kMalformedRequestLine,
                   {
                       {},
                       without(":method"),
                       without(":scheme"),
                       without(":path"),
                       with_protocol,
                       connect_without(1),             // :scheme
                       connect_without(3),             // :path
                       {{":method", "CONNECT"}},       // no :authority
                       changed(":method", "CONNECT"),  // with :scheme and :path
                       {{":method", "CONNECT"}, {":authority", "a"}, {":path", "/"}},
                       {{":method", "CONNECT"}, {":authority", "a"}, {":scheme", "http"}},
                   });
  EXPECT_EQ(read({{":method", "CONNECT"}, {":authority", "a:443"}}), Reason::kUnsupportedMethod);
  EXPECT_FALSE(reader_.is_malformed()) << "it is no proxy of that kind";
}

TEST_F(H2HeadReaderTest, RefusesMethodsSchemesAndTargetsThatAreNone) {
  for (const std::string_view method : {"", " GET", "GET ", "G T", "G@T", "GE(T", "GET/", "G\xc3\x84T"}) {
    const bool is_value = !method.starts_with(' ') && !method.ends_with(' ');
    expect_malformed(is_value ? Reason::kMalformedRequestLine : Reason::kMalformedHeader, {changed(":method", method)});
  }
  for (const std::string_view scheme : {"", "ftp", "ws", "ht tp", "http:", "https://x", "file"}) {
    expect_malformed(Reason::kMalformedRequestLine, {changed(":scheme", scheme)});
  }
  for (const std::string_view path :
       {"", "x", "?x", "*", "**", "/a#b", "#", "/a b", "/a\tb", "http://a/", "https://b/x", "ftp://a/", "a:443"}) {
    expect_malformed(Reason::kMalformedRequestLine, {changed(":path", path)});
  }
  for (const std::string_view name : {":method", ":scheme", ":authority", ":path"}) {
    for (const std::string_view value : {"/a\r"sv, "/a\n"sv, "/\0"sv, "/a\x7f"sv, "/\x01"sv, " /"sv, "/ "sv, "\t"sv,
                                         "/ HTTP/1.1\r\nHost: b\r\n\r\n"sv}) {
      expect_malformed(Reason::kMalformedHeader, {changed(name, value)});
    }
  }
}

TEST_F(H2HeadReaderTest, KeepsMethodsThatItDoesNotKnow) {
  for (const std::string_view method : {"get", "PURGE", "GETX", "G", "PRI", "!#$%&'*+-.^_`|~"}) {
    EXPECT_EQ(read(changed(":method", method)), Reason::kNone) << method;
    EXPECT_EQ(head_->method, Method::kOther);
    EXPECT_EQ(head_->method_text, method);
  }
  for (const std::string_view method : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"}) {
    EXPECT_EQ(read(changed(":method", method)), Reason::kNone) << method;
    EXPECT_EQ(head_->method, http::parse_method(method));
  }
}

TEST_F(H2HeadReaderTest, RefusesHostsThatAreNone) {
  for (const std::string_view host : {"", "u@a", "u:p@a", "a@", "a b", "a/x", "a?x", "a#x", "a\\x", "a:80:80", "a:x",
                                      "a:0", "a:65536", "[::1", "::1", "http://a", "<a>", "a,b", "a\xe4"}) {
    expect_malformed(Reason::kInvalidHost, {changed(":authority", host), without(":authority", {{"host", host}})});
  }
  expect_malformed(Reason::kInvalidHost, {
                                             get({{"host", "b"}}),
                                             get({{"host", "a:8443"}}),
                                             get({{"host", ""}}),
                                             get({{"host", "a"}, {"host", "a"}}),
                                             without(":authority", {{"host", "a"}, {"host", "a"}}),
                                         });
  expect_malformed(Reason::kMissingHost, {without(":authority")});
}

TEST_F(H2HeadReaderTest, RefusesNamesAndValuesThatAreNone) {
  for (const std::string_view name :
       {""sv, "X"sv, "x-Test"sv, "x y"sv, " x"sv, "x "sv, "x:"sv, "x:y"sv, "x\r\ny"sv, "x\n"sv, "x\0"sv, "x\x01"sv,
        "x\x7f"sv, "x\xe4"sv, "x(y)"sv, "x/y"sv, "x\"y"sv, "x,y"sv, "a: b\r\ntransfer-encoding"sv}) {
    expect_malformed(Reason::kMalformedHeader, {get({{name, "1"}})});
  }
  for (const std::string_view value :
       {"a\rb"sv, "a\nb"sv, "a\r\nb"sv, "\r"sv, "\n"sv, "\0"sv, "a\0b"sv, " a"sv, "a "sv, "\ta"sv, "a\t"sv, " "sv,
        "a\x01"sv, "a\x7f"sv, "\x1b[31m"sv, "a\r\n\r\nGET /b HTTP/1.1\r\nhost: a\r\n\r\n"sv}) {
    for (const std::string_view name : {"x", "cookie", "content-type"}) {
      expect_malformed(Reason::kMalformedHeader, {get({{name, value}})});
    }
  }
}

TEST_F(H2HeadReaderTest, RefusesWhatIsAboutAConnection) {
  for (const auto& [name, value] : FieldRows{{"connection", "close"},
                                             {"connection", "keep-alive"},
                                             {"connection", ""},
                                             {"keep-alive", "timeout=5"},
                                             {"proxy-connection", "keep-alive"},
                                             {"transfer-encoding", "chunked"},
                                             {"transfer-encoding", ""},
                                             {"transfer-encoding", "identity"},
                                             {"upgrade", "h2c"},
                                             {"upgrade", "websocket"},
                                             {"te", ""},
                                             {"te", "gzip"},
                                             {"te", "trailers, gzip"},
                                             {"te", "trailers, trailers"},
                                             {"te", "trailers;q=1"}}) {
    expect_malformed(Reason::kMalformedHeader, {get({{name, value}})});
    expect_malformed(Reason::kMalformedHeader, {get({{name, value}})}, false);
  }
  for (const std::string_view value : {"trailers", "Trailers"}) EXPECT_EQ(read(get({{"te", value}})), Reason::kNone);
}

TEST_F(H2HeadReaderTest, RefusesLengthsThatCanBeReadInTwoWays) {
  for (const std::string_view value : {"", "+5", "-5", "0x5", "5,5", "5, 5", "5a", "5.0", "5 5", "five",
                                       "9223372036854775808", "18446744073709551621", "00000000000000000005"}) {
    expect_malformed(Reason::kInvalidContentLength, {get({{"content-length", value}})}, false);
  }
  expect_malformed(Reason::kInvalidContentLength,
                   {get({{"content-length", "5"}, {"content-length", "5"}}),
                    get({{"content-length", "5"}, {"content-length", "6"}})},
                   false);
  expect_malformed(Reason::kInvalidContentLength, {get({{"content-length", "5"}})}, true);
}

// ---- limits ---------------------------------------------------------------------------------------------------------

TEST_F(H2HeadReaderTest, HoldsTheLimitOfTargets) {
  limits_.max_target_size = 20;
  for (const std::size_t size : {1uz, 19uz, 20uz, 21uz}) {
    const std::string path = "/" + std::string(size - 1, 'a');
    EXPECT_EQ(read(changed(":path", path)), size > 20 ? Reason::kTargetTooLong : Reason::kNone) << size;
    EXPECT_FALSE(reader_.is_malformed());
  }
}

TEST_F(H2HeadReaderTest, HoldsTheLimitOfHeads) {
  limits_.max_head_size = 100;
  for (const std::size_t size : {0uz, 89uz, 90uz, 91uz}) {
    const std::string value(size, 'v');
    const Reason reason = size > 90 ? Reason::kHeadersTooLarge : Reason::kNone;
    EXPECT_EQ(read(get({{"x", "1"}, {"x", ""}})), Reason::kNone);
    // "x: v" and a line end for each: 5 + 5 + size.
    EXPECT_EQ(read(get({{"y", ""}, {"x", value}})), reason) << size;
    EXPECT_FALSE(reader_.is_malformed());
  }
  const std::string host(101, 'h');
  EXPECT_EQ(read(changed(":authority", host)), Reason::kHeadersTooLarge);
  EXPECT_EQ(read(changed(":method", host)), Reason::kHeadersTooLarge);
  EXPECT_EQ(read(changed(":scheme", host)), Reason::kHeadersTooLarge);
}

TEST_F(H2HeadReaderTest, HoldsTheLimitOfFields) {
  limits_.max_fields = 3;
  for (const std::size_t count : {0uz, 2uz, 3uz, 4uz, 10uz}) {
    EXPECT_EQ(read(get(FieldRows(count, {"x", "1"}))), count > 3 ? Reason::kTooManyFields : Reason::kNone) << count;
    EXPECT_LE(head_->fields.size(), 4u);
  }
}

TEST_F(H2HeadReaderTest, CountsOnBehindARefusal) {
  limits_.max_head_size = 100;
  read(get({}));
  const std::size_t bytes = reader_.decoded_bytes();
  EXPECT_EQ(bytes, 4 * 32 + std::string_view(":methodGET:schemehttps:authoritya:path/").size());
  read(get({{"X", std::string_view("1")}, {"x", "22"}, {":y", "333"}}));
  EXPECT_EQ(reader_.decoded_bytes(), bytes + 3 * 32 + 2 + 3 + 5);
  const std::string large(1000, 'v');
  read(get({{"x", large}, {"x", large}}));
  EXPECT_EQ(reader_.decoded_bytes(), bytes + 2 * 1033);
  EXPECT_EQ(reader_.reason(), Reason::kHeadersTooLarge);
}

// The first fault is the reason; a malformed one is malformed wherever it stands.
TEST_F(H2HeadReaderTest, NamesTheFirstFault) {
  limits_.max_fields = 1;
  EXPECT_EQ(read(get({{"x", "1"}, {"y", "2"}, {"Z", "3"}})), Reason::kTooManyFields);
  EXPECT_TRUE(reader_.is_malformed());
  EXPECT_EQ(read(get({{"Z", "3"}, {"x", "1"}, {"y", "2"}})), Reason::kMalformedHeader);
  EXPECT_EQ(head_->target, "/") << "for the log";
  EXPECT_EQ(head_->method, Method::kGet);
  EXPECT_EQ(head_->authority, "a");
}

// ---- trailers -------------------------------------------------------------------------------------------------------

TEST_F(H2HeadReaderTest, ReadsTrailers) {
  const std::vector<std::pair<FieldRows, Reason>> rows = {
      {{}, Reason::kNone},
      {{{"x-sum", "1"}, {"etag", "\"x\""}}, Reason::kNone},
      {{{":path", "/"}}, Reason::kMalformedHeader},
      {{{":status", "200"}}, Reason::kMalformedHeader},
      {{{"X-Sum", "1"}}, Reason::kMalformedHeader},
      {{{"x", "a\nb"}}, Reason::kMalformedHeader},
      {{{"connection", "close"}}, Reason::kMalformedHeader},
      {{{"transfer-encoding", "chunked"}}, Reason::kMalformedHeader},
  };
  for (const auto& [fields, reason] : rows) {
    http::Fields trailers(arena_);
    reader_.begin(Kind::kTrailers, limits_, trailers);
    for (const auto& [name, value] : fields) reader_.add(name, value);
    EXPECT_EQ(reader_.finish_trailers(), reason);
    EXPECT_EQ(reader_.is_malformed(), reason != Reason::kNone);
    EXPECT_TRUE(reason != Reason::kNone || trailers.size() == fields.size());
  }
  limits_.max_head_size = 10;
  http::Fields trailers(arena_);
  reader_.begin(Kind::kTrailers, limits_, trailers);
  reader_.add("x-sum", "1234");
  EXPECT_EQ(reader_.finish_trailers(), Reason::kHeadersTooLarge);
  EXPECT_FALSE(reader_.is_malformed());
}

}  // namespace
}  // namespace viaduct::codec

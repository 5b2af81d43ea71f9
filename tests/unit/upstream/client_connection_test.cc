// SPDX-License-Identifier: Apache-2.0
#include "upstream/client_connection.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/connect_outcome.h"
#include "support/pipe_pair.h"
#include "support/recording_stream.h"
#include "support/scripted_server.h"
#include "support/wait_until.h"
#include "upstream/server.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;
using support::RecordingResponseHandler;
using support::ScriptedConnection;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kOkText = "head 200 'OK' body=2 [Content-Length: 2] | body ok | end | response end";

class ClientConnectionTest : public testing::Test {
 protected:
  // A connection to the scripted server, ready and without a request.
  ClientConnection& connect() {
    support::ConnectOutcome outcome;
    const std::size_t before = listener_.connections.size();
    EXPECT_TRUE(server_.reserve());
    std::make_unique<Connector>(loop_, resolver_, server_, outcome).release()->start(std::nullopt);
    support::wait_until(loop_, [&] { return outcome.events > 0 && listener_.connections.size() > before; });
    EXPECT_NE(outcome.connection, nullptr);
    return *outcome.connection;
  }
  // Sends the head of a request.
  http::ClientStream& begin(ClientConnection& connection, RecordingResponseHandler& handler, http::BodySize body = {},
                            codec::WaitLimits limits = {}) {
    http::ClientStream& stream = connection.begin(handler, limits);
    http::RequestHead head(handler.arena());
    head.method = body.kind == http::BodyKind::kNone ? http::Method::kGet : http::Method::kPost;
    head.method_text = http::method_name(head.method);
    head.target = "/x";
    head.body = body;
    head.fields.add(http::FieldName::kHost, "app.test");
    stream.send_head(head, body.kind == http::BodyKind::kNone);
    return stream;
  }
  void send(http::ClientStream& stream, std::string_view bytes, bool end) {
    base::Buffer body(loop_.chunks());
    body.append(bytes);
    stream.send_body(body, end);
  }
  ScriptedConnection& other_end() { return listener_.last(); }
  template <typename IsDone>
  bool until(IsDone is_done) {
    return support::wait_until(loop_, is_done);
  }
  bool until_request() {
    return until([this] { return other_end().received.find("\r\n\r\n") != std::string::npos; });
  }
  void pass(base::Duration duration) { support::pass_time(loop_, clock_, duration); }

  support::ManualClock clock_;
  codec::H2Library h2_library_;
  net::Loop loop_{clock_};
  net::Resolver resolver_{loop_};
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  support::ScriptedServer listener_{loop_};
  config::Upstream config_ = support::make_upstream({listener_.config()});
  Server server_{resources_, config_, 0, nullptr};
  RecordingResponseHandler response_{loop_.chunks()};
};

// ---- requests and answers -------------------------------------------------------------------------------------------

TEST_F(ClientConnectionTest, CarriesARequestAndItsAnswer) {
  begin(connect(), response_);
  ASSERT_TRUE(until_request());
  EXPECT_EQ(other_end().received, "GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n");
  other_end().send(kOk);
  ASSERT_TRUE(until([this] { return response_.has("response end"); }));
  EXPECT_EQ(response_.text(), kOkText);
}

TEST_F(ClientConnectionTest, CarriesOneRequestAfterAnother) {
  ClientConnection& connection = connect();
  for (int i = 0; i < 3; ++i) {
    RecordingResponseHandler response(loop_.chunks());
    begin(i == 0 ? connection : *server_.take_idle(), response);
    EXPECT_EQ(server_.take_idle(), nullptr);
    ASSERT_TRUE(until_request());
    other_end().received.clear();
    other_end().send(kOk);
    ASSERT_TRUE(until([&] { return response.has("response end"); }));
  }
  EXPECT_EQ(listener_.connections.size(), 1u);
  EXPECT_EQ(server_.connections(), 1u);
}

// The next request of the same turn finds it: the pool has it before the handler knows that the answer has ended.
TEST_F(ClientConnectionTest, IsBackInThePoolWhenItsAnswerEnds) {
  ClientConnection& connection = connect();
  ClientConnection* found = nullptr;
  response_.on_event = [&](std::string_view event) {
    if (event == "response end") found = server_.take_idle();
  };
  begin(connection, response_);
  ASSERT_TRUE(until_request());
  other_end().send(kOk);
  ASSERT_TRUE(until([&] { return found != nullptr; }));
  EXPECT_EQ(found, &connection);
}

TEST_F(ClientConnectionTest, ClosesBehindAnAnswerThatSaysSo) {
  begin(connect(), response_);
  ASSERT_TRUE(until_request());
  other_end().send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_TRUE(until([this] { return other_end().is_ended || other_end().is_reset; }));
  EXPECT_TRUE(response_.has("response end"));
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(ClientConnectionTest, GivesARequestUpThatItsOwnerResets) {
  http::ClientStream& stream = begin(connect(), response_);
  ASSERT_TRUE(until_request());
  stream.reset();
  ASSERT_TRUE(until([this] { return other_end().is_ended; }));
  EXPECT_EQ(response_.text(), "");
  EXPECT_EQ(server_.connections(), 0u);
}

// Half a request must not look like a whole one to the server.
TEST_F(ClientConnectionTest, CutsARequestThatIsGivenUpInTheMiddle) {
  http::ClientStream& stream = begin(connect(), response_, {.kind = http::BodyKind::kStream});
  send(stream, "half", false);
  ASSERT_TRUE(until([this] { return other_end().received.find("half") != std::string::npos; }));
  stream.reset();
  ASSERT_TRUE(until([this] { return other_end().is_ended || other_end().is_reset; }));
  EXPECT_TRUE(other_end().is_reset);
}

TEST_F(ClientConnectionTest, KeepsAConnectionThatARequestDidNotTouch) {
  ClientConnection& connection = connect();
  connection.begin(response_, {}).reset();
  support::settle(loop_);
  EXPECT_EQ(server_.take_idle(), &connection);
}

// ---- the server goes ------------------------------------------------------------------------------------------------

struct EndRow {
  std::string_view answer;  // before the end
  bool is_reset;
  std::string_view events;
};

TEST_F(ClientConnectionTest, TellsHowAServerLetARequestDown) {
  const std::initializer_list<EndRow> rows = {
      {"", false, "reset upstream_closed"},
      {"", true, "reset upstream_reset"},
      {"HTTP/1.1 200", false, "reset upstream_closed answered"},
      {"HTTP/1.1 200", true, "reset upstream_reset answered"},
      {"garbage\r\n\r\n", false, "reset upstream_invalid_response answered"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", false,
       "head 200 'OK' body=9 [Content-Length: 9] | body half | reset upstream_truncated answered"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", false,
       "head 200 'OK' body=stream [Transfer-Encoding: chunked] | body half | reset upstream_truncated answered"},
      {"HTTP/1.1 200 OK\r\n\r\nall", false, "head 200 'OK' body=stream | body all | end | response end"},
      {"HTTP/1.1 200 OK\r\n\r\nall", true, "head 200 'OK' body=stream | body all | reset upstream_reset answered"},
  };
  for (const EndRow& row : rows) {
    RecordingResponseHandler response(loop_.chunks());
    begin(connect(), response);
    ASSERT_TRUE(until_request());
    if (!row.answer.empty()) {
      other_end().send(row.answer);
      // What came before a reset must have been read, or the kernel may drop it.
      until([&] { return !row.is_reset || response.has("head") || row.events.starts_with("reset"); });
      support::settle(loop_);
    }
    row.is_reset ? other_end().reset() : other_end().close();
    ASSERT_TRUE(until([&] { return response.has("re"); })) << row.answer;
    EXPECT_EQ(response.text(), row.events) << row.answer;
    EXPECT_EQ(server_.connections(), 0u) << row.answer;
  }
}

TEST_F(ClientConnectionTest, NoticesAtOnceThatAnIdleServerHungUp) {
  begin(connect(), response_);
  ASSERT_TRUE(until_request());
  other_end().send(kOk);
  ASSERT_TRUE(until([this] { return response_.has("response end"); }));
  EXPECT_EQ(server_.connections(), 1u);
  other_end().close();
  ASSERT_TRUE(until([this] { return server_.connections() == 0; }));
  EXPECT_EQ(server_.take_idle(), nullptr);
}

TEST_F(ClientConnectionTest, TakesNothingThatNobodyAskedFor) {
  begin(connect(), response_);
  ASSERT_TRUE(until_request());
  other_end().send(kOk);
  ASSERT_TRUE(until([this] { return response_.has("response end"); }));
  other_end().send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
  ASSERT_TRUE(until([this] { return server_.connections() == 0; }));
  EXPECT_EQ(response_.text(), kOkText);
}

// Takes a connection in the turn that has read from all of them, before any of it is handled.
struct EarlyTaker final : net::FdHandler, net::ReadEnd {
  EarlyTaker(net::Loop& owner, Server& from) : loop(owner), server(from) {}
  void on_fd_readable() override { loop.at_read_end(*this); }
  void on_fd_writable() override {}
  void on_read_end() override {
    has_run = true;
    taken = server.take_idle();
  }
  net::Loop& loop;
  Server& server;
  bool has_run = false;
  ClientConnection* taken = nullptr;
};

TEST_F(ClientConnectionTest, GivesNoRequestToAConnectionWithBytesThatNobodyHasLookedAt) {
  begin(connect(), response_);
  ASSERT_TRUE(until_request());
  other_end().send(kOk);
  ASSERT_TRUE(until([this] { return response_.has("response end"); }));
  support::PipePair pair;
  EarlyTaker taker(loop_, server_);
  net::FdWatch watch(loop_);
  watch.open(pair.left(), taker);
  watch.set_reading(true);
  ASSERT_EQ(::write(pair.right(), "x", 1), 1);
  other_end().send(kOk);  // which would be taken for the answer to the next request
  loop_.run_once(true);
  EXPECT_TRUE(taker.has_run);
  EXPECT_EQ(taker.taken, nullptr);
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(ClientConnectionTest, TrustsNoConnectionWhoseAnswerWasTooLong) {
  begin(connect(), response_);
  ASSERT_TRUE(until_request());
  other_end().send(std::string(kOk) + "surplus");
  ASSERT_TRUE(until([this] { return server_.connections() == 0; }));
  EXPECT_EQ(response_.text(), kOkText);
}

// A server that refuses a large body answers, closes, and leaves the rest unread.
TEST_F(ClientConnectionTest, DeliversAnAnswerThatComesInTheMiddleOfTheRequest) {
  // The second answer takes more than one read.
  for (const std::size_t size : {std::size_t{5}, std::size_t{60} * 1024}) {
    RecordingResponseHandler response(loop_.chunks());
    http::ClientStream& stream = begin(connect(), response, {.kind = http::BodyKind::kSized, .bytes = 10'000'000});
    ASSERT_TRUE(until_request());
    other_end().set_reading(false);
    const std::string body(size, 'x');
    other_end().send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: " + std::to_string(size) +
                     "\r\n\r\n" + body);
    // The client goes on sending until it sees the answer.
    bool is_closed = false;
    ASSERT_TRUE(until([&] {
      if (!response.has("head") && stream.writable_bytes() > 0) send(stream, std::string(1000, 'y'), false);
      if (!is_closed && other_end().has_sent_all()) {
        other_end().close();
        is_closed = true;
      }
      return response.has("re");
    }));
    EXPECT_EQ(response.lines().size(), 4u);
    EXPECT_EQ(response.lines().at(1).size(), size + 5);
    EXPECT_EQ(response.lines().back(), "response end");
    EXPECT_EQ(server_.connections(), 0u);
  }
}

// ---- waiting --------------------------------------------------------------------------------------------------------

TEST_F(ClientConnectionTest, RestsAsLongAsTheConfigAllows) {
  config_.keepalive.idle = 4s;
  begin(connect(), response_);
  ASSERT_TRUE(until_request());
  other_end().send(kOk);
  ASSERT_TRUE(until([this] { return response_.has("response end"); }));
  pass(3990ms);
  EXPECT_EQ(server_.connections(), 1u);
  pass(20ms);
  EXPECT_EQ(server_.connections(), 0u);
  ASSERT_TRUE(until([this] { return other_end().is_ended; }));
}

TEST_F(ClientConnectionTest, CountsRestAnewAfterEachRequest) {
  config_.keepalive.idle = 4s;
  ClientConnection* connection = &connect();
  for (int i = 0; i < 3; ++i) {
    RecordingResponseHandler response(loop_.chunks());
    begin(*connection, response);
    ASSERT_TRUE(until_request());
    other_end().received.clear();
    other_end().send(kOk);
    ASSERT_TRUE(until([&] { return response.has("response end"); }));
    pass(3s);
    connection = server_.take_idle();
    ASSERT_NE(connection, nullptr);
  }
}

TEST_F(ClientConnectionTest, WaitsForTheHeadAsLongAsTheLimit) {
  begin(connect(), response_, {}, {.send = std::nullopt, .read = 60s});
  ASSERT_TRUE(until_request());
  pass(59990ms);
  EXPECT_EQ(response_.text(), "");
  pass(20ms);
  EXPECT_EQ(response_.text(), "reset upstream_header_timeout");
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(ClientConnectionTest, CountsTheWaitAnewWithEveryByte) {
  begin(connect(), response_, {}, {.send = std::nullopt, .read = 10s});
  ASSERT_TRUE(until_request());
  for (const std::string_view piece : {"HTTP/1.1 200 OK\r\n", "Content-Length: 2\r\n\r\n", "o", "k"}) {
    pass(9s);
    EXPECT_FALSE(response_.has("reset"));
    other_end().send(piece);
    support::settle(loop_);
  }
  EXPECT_TRUE(response_.has("response end"));
}

TEST_F(ClientConnectionTest, EndsAnAnswerThatStops) {
  begin(connect(), response_, {}, {.send = std::nullopt, .read = 10s});
  ASSERT_TRUE(until_request());
  other_end().send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf");
  ASSERT_TRUE(until([this] { return response_.has("body"); }));
  pass(10010ms);
  EXPECT_EQ(response_.lines().back(), "reset upstream_read_timeout answered");
}

// It is the client who keeps us waiting.
TEST_F(ClientConnectionTest, CountsNoWaitWhileItsOwnerDoesNotRead) {
  http::ClientStream& stream = begin(connect(), response_, {}, {.send = 10s, .read = 10s});
  ASSERT_TRUE(until_request());
  other_end().send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
  ASSERT_TRUE(until([this] { return response_.has("body"); }));
  stream.set_reading(false);
  pass(1h);
  EXPECT_FALSE(response_.has("reset"));
  stream.set_reading(true);
  support::settle(loop_);
  pass(9s);
  EXPECT_FALSE(response_.has("reset"));
  other_end().send("half");
  ASSERT_TRUE(until([this] { return response_.has("response end"); }));
}

TEST_F(ClientConnectionTest, CountsNoWaitForTheAnswerWhileTheRequestIsComing) {
  http::ClientStream& stream =
      begin(connect(), response_, {.kind = http::BodyKind::kStream}, {.send = 10s, .read = 10s});
  ASSERT_TRUE(until_request());
  pass(1h);
  EXPECT_EQ(response_.text(), "");
  send(stream, "end", true);
  support::settle(loop_);
  pass(9990ms);
  EXPECT_EQ(response_.text(), "");
  pass(20ms);
  EXPECT_EQ(response_.text(), "reset upstream_header_timeout");
}

TEST_F(ClientConnectionTest, WaitsForAServerThatDoesNotReadAsLongAsTheLimit) {
  http::ClientStream& stream =
      begin(connect(), response_, {.kind = http::BodyKind::kStream}, {.send = 10s, .read = std::nullopt});
  ASSERT_TRUE(until_request());
  other_end().set_reading(false);
  // Until the sockets are full.
  for (int rounds = 0; rounds < 1000 && stream.writable_bytes() > 0; ++rounds) {
    send(stream, std::string(64 * 1024, 'x'), false);
    support::settle(loop_);
  }
  ASSERT_EQ(stream.writable_bytes(), 0u);
  EXPECT_LT(loop_.chunks().chunks_in_use(), 16u);
  response_.clear();
  pass(9990ms);
  EXPECT_EQ(response_.text(), "");
  pass(20ms);
  EXPECT_EQ(response_.text(), "reset upstream_send_timeout");
}

TEST_F(ClientConnectionTest, TellsWhenAServerReadsAgain) {
  http::ClientStream& stream =
      begin(connect(), response_, {.kind = http::BodyKind::kStream}, {.send = 10s, .read = std::nullopt});
  ASSERT_TRUE(until_request());
  other_end().set_reading(false);
  for (int rounds = 0; rounds < 1000 && stream.writable_bytes() > 0; ++rounds) {
    send(stream, std::string(64 * 1024, 'x'), false);
    support::settle(loop_);
  }
  response_.clear();
  other_end().set_reading(true);
  ASSERT_TRUE(until([this] { return response_.has("writable"); }));
  EXPECT_GT(stream.writable_bytes(), 0u);
}

TEST_F(ClientConnectionTest, WaitsForEverWithoutALimit) {
  begin(connect(), response_);
  ASSERT_TRUE(until_request());
  pass(1000h);
  EXPECT_EQ(response_.text(), "");
}

// ---- memory ---------------------------------------------------------------------------------------------------------

TEST_F(ClientConnectionTest, ReadsNoFurtherThanItsOwnerDoes) {
  http::ClientStream& stream = begin(connect(), response_);
  ASSERT_TRUE(until_request());
  response_.on_event = [&](std::string_view event) {
    if (event == "body") stream.set_reading(false);
  };
  constexpr std::size_t kSize = 20'000'000;
  other_end().send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n" +
                   std::string(kSize, 'x'));
  std::size_t received = 0;
  std::size_t chunks_max = 0;
  ASSERT_TRUE(until([&] {
    chunks_max = std::max(chunks_max, loop_.chunks().chunks_in_use());
    for (const std::string& line : response_.lines()) received += line.starts_with("body ") ? line.size() - 5 : 0;
    response_.clear();
    stream.set_reading(true);
    return received == kSize;
  }));
  EXPECT_LT(chunks_max, 40u);  // 16 chunks of one read, and those that are on their way
}

}  // namespace
}  // namespace viaduct::upstream

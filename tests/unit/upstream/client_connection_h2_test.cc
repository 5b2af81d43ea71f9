// SPDX-License-Identifier: Apache-2.0
// Connections that requests share, from the socket to the pool.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <deque>

#include "support/captured_log.h"
#include "support/cert_sites.h"
#include "support/connect_outcome.h"
#include "support/h2_scripted_server.h"
#include "support/temporary_directory.h"
#include "support/tls_ends.h"
#include "support/wait_until.h"
#include "upstream/client_connection.h"
#include "upstream/server.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;
using support::h2_answer;
using support::h2_data;
using support::h2_goaway;
using support::h2_ok;
using support::H2ServerEnd;
using support::kH2End;
using support::kH2OkText;
using support::RecordingResponseHandler;

// A request on a connection, and what came of it.
struct Request {
  Request(net::Loop& loop, ClientConnection& connection, const codec::WaitLimits& limits = {},
          const http::BodySize& body = {})
      : response(loop.chunks()), stream(&connection.begin(response, limits)) {
    http::RequestHead head(response.arena());
    head.method = body.kind == http::BodyKind::kNone ? http::Method::kGet : http::Method::kPost;
    head.method_text = http::method_name(head.method);
    head.target = "/x";
    head.body = body;
    head.fields.add(http::FieldName::kHost, "app.test");
    stream->send_head(head, body.kind == http::BodyKind::kNone);
  }

  RecordingResponseHandler response;
  http::ClientStream* stream;
};

class ClientConnectionH2Test : public testing::Test {
 protected:
  ClientConnectionH2Test() {
    config_.http2 = true;
    server_ = std::make_unique<Server>(resources_, config_, 0, nullptr);
  }
  // A connection to the server, ready and without a request.
  ClientConnection& connect() {
    support::ConnectOutcome outcome;
    EXPECT_TRUE(server_->reserve());
    std::make_unique<Connector>(loop_, resolver_, *server_, outcome).release()->start(std::nullopt);
    support::wait_until(loop_, [&] { return outcome.events > 0; });
    EXPECT_NE(outcome.connection, nullptr) << outcome.error.message;
    return *outcome.connection;
  }
  // The connection that a request would be sent on now.
  ClientConnection& take() {
    ClientConnection* connection = server_->take();
    return connection != nullptr ? *connection : connect();
  }
  Request& ask(const codec::WaitLimits& limits = {}) { return requests_.emplace_back(loop_, take(), limits); }
  template <typename IsDone>
  bool until(IsDone is_done) {
    return support::wait_until(loop_, is_done);
  }
  // Waits until the server has `count` whole requests on its last connection.
  bool until_asked(std::size_t count) {
    return until([&] { return !listener_.ends.empty() && listener_.last().whole.size() >= count; });
  }
  bool until_text(const Request& request, std::string_view line) {
    return until([&] { return request.response.has(line); });
  }
  H2ServerEnd& other_end() { return listener_.last(); }
  // The server ends or cuts the connection. It has read all that came, or the kernel would cut it as well.
  void hang_up(bool is_reset) {
    support::settle(loop_);
    is_reset ? other_end().connection().reset() : other_end().connection().close();
  }
  void pass(base::Duration duration) { support::pass_time(loop_, clock_, duration); }

  support::ManualClock clock_;
  codec::H2Library h2_library_;
  net::Loop loop_{clock_};
  net::Resolver resolver_{loop_};
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  support::H2ScriptedServer listener_{loop_};
  config::Upstream config_ = support::make_upstream({listener_.server.config()});
  std::deque<Request> requests_;
  std::unique_ptr<Server> server_;
};

// ---- requests -------------------------------------------------------------------------------------------------------

TEST_F(ClientConnectionH2Test, SpeaksHttp2WithoutAskingWhereThereIsNoTls) {
  Request& request = ask();
  ASSERT_TRUE(until_asked(1));
  EXPECT_EQ(other_end().take_text(),
            "HEADERS 1 [:method: GET] [:scheme: http] [:authority: app.test] [:path: /x] [te: trailers] end");
  other_end().send(h2_ok(1));
  ASSERT_TRUE(until_text(request, "response end"));
  EXPECT_EQ(request.response.text(), kH2OkText);
}

TEST_F(ClientConnectionH2Test, CarriesRequestsSideBySideAndOneAfterAnother) {
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3; ++i) ask();
    const std::size_t first = requests_.size() - 3;
    ASSERT_TRUE(until_asked(requests_.size()));
    for (std::size_t i = requests_.size(); i > first; --i) other_end().send(h2_ok(static_cast<int>(i) * 2 - 1));
    for (std::size_t i = first; i < requests_.size(); ++i) ASSERT_TRUE(until_text(requests_[i], "response end"));
  }
  for (const Request& request : requests_) EXPECT_EQ(request.response.text(), kH2OkText);
  EXPECT_EQ(listener_.server.connections.size(), 1u);
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(ClientConnectionH2Test, IsInThePoolOnlyWithoutARequest) {
  ClientConnection* found = nullptr;
  ask();
  ask();
  ClientConnection& connection = *server_->take();
  requests_[1].response.on_event = [&](std::string_view event) {
    if (event == "response end") found = server_->take();
  };
  ASSERT_TRUE(until_asked(2));
  EXPECT_EQ(server_->take_idle(), nullptr);
  other_end().send(h2_ok(1));
  ASSERT_TRUE(until_text(requests_[0], "response end"));
  EXPECT_FALSE(connection.is_pooled());
  EXPECT_EQ(server_->take_idle(), nullptr);
  other_end().send(h2_ok(3));
  ASSERT_TRUE(until([&] { return found != nullptr; }));
  EXPECT_EQ(found, &connection) << "before the handler knows";
}

TEST_F(ClientConnectionH2Test, TakesNoMoreRequestsThanTheServerGrants) {
  listener_.settings = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2}};
  ask();
  ASSERT_TRUE(until_asked(1));
  support::settle(loop_);
  ask();
  EXPECT_EQ(server_->take(), nullptr);
  ask();
  support::settle(loop_);
  EXPECT_EQ(server_->connections(), 2u);
  // There is room on the first again.
  listener_.ends[0]->send(h2_ok(1));
  ASSERT_TRUE(until_text(requests_[0], "response end"));
  ask();
  ask();
  EXPECT_EQ(server_->connections(), 2u);
}

TEST_F(ClientConnectionH2Test, IsPassedByWhileNothingIsHeardBehindARequest) {
  ask();
  ASSERT_TRUE(until_asked(1));
  ClientConnection* connection = server_->take();
  ASSERT_NE(connection, nullptr);
  pass(1s);
  pass(1s);
  EXPECT_EQ(server_->take(), nullptr);
  EXPECT_EQ(server_->take(), nullptr);
  other_end().send(support::h2_ping());
  ASSERT_TRUE(until([&] { return server_->take() == connection; }));
}

TEST_F(ClientConnectionH2Test, GivesARequestUpWithoutTheOthers) {
  Request& given_up = ask();
  Request& other = ask();
  ASSERT_TRUE(until_asked(2));
  other_end().take_text();
  given_up.stream->reset();
  ASSERT_TRUE(until([this] { return !other_end().text().empty(); }));
  EXPECT_EQ(other_end().take_text(), "RST_STREAM 1 CANCEL");
  other_end().send(h2_ok(3));
  ASSERT_TRUE(until_text(other, "response end"));
  EXPECT_EQ(given_up.response.text(), "");
  EXPECT_TRUE(server_->take_idle() != nullptr);
}

TEST_F(ClientConnectionH2Test, SendsABodyNoFasterThanTheServerTakesIt) {
  listener_.settings = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100'000}};
  Request& request =
      requests_.emplace_back(loop_, connect(), codec::WaitLimits{}, http::BodySize{.kind = http::BodyKind::kStream});
  const auto write = [&] {
    while (request.stream->writable_bytes() > 0) {
      base::Buffer body(loop_.chunks());
      body.append(std::string(10'000, 'x'));
      request.stream->send_body(body, false);
      support::settle(loop_);
    }
  };
  write();
  const std::size_t taken = other_end().body(1).size();
  EXPECT_EQ(taken, 65'535u) << "the window of the connection";
  other_end().send(support::h2_window(0, 1'000'000) + support::h2_window(1, 1'000'000));
  ASSERT_TRUE(until_text(request, "writable"));
  write();
  EXPECT_EQ(other_end().body(1).size(), 1'065'535u);
}

// ---- the server goes ------------------------------------------------------------------------------------------------

TEST_F(ClientConnectionH2Test, EndsBehindAGoodbyeWhenTheLastRequestHas) {
  Request& first = ask();
  Request& second = ask();
  ASSERT_TRUE(until_asked(2));
  other_end().send(h2_goaway(1));
  ASSERT_TRUE(until_text(second, "reset upstream_refused_stream"));
  EXPECT_EQ(server_->take(), nullptr);
  EXPECT_EQ(server_->connections(), 1u);
  other_end().send(h2_ok(1));
  ASSERT_TRUE(until_text(first, "response end"));
  ASSERT_TRUE(until([this] { return other_end().connection().is_ended; }));
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ClientConnectionH2Test, TellsAllWhoWaitThatTheServerHasGone) {
  for (const bool is_reset : {false, true}) {
    Request& waiting = ask();
    Request& begun = ask();
    ASSERT_TRUE(until_asked(2));
    other_end().send(h2_answer(3, "200"));
    ASSERT_TRUE(until_text(begun, "head"));
    hang_up(is_reset);
    ASSERT_TRUE(until_text(waiting, "reset"));
    EXPECT_EQ(waiting.response.text(), is_reset ? "reset upstream_reset" : "reset upstream_closed");
    EXPECT_EQ(begun.response.text(), std::string("head 200 '' body=stream | reset ") +
                                         (is_reset ? "upstream_reset answered" : "upstream_truncated answered"));
    EXPECT_EQ(server_->connections(), 0u);
    listener_.ends.clear();
  }
}

TEST_F(ClientConnectionH2Test, KeepsAWholeAnswerForWhoReadsItLater) {
  for (const bool is_reset : {false, true}) {
    Request& request = ask();
    request.stream->set_reading(false);
    ASSERT_TRUE(until_asked(1));
    other_end().send(h2_answer(1, "200") + h2_data(1, "all", kH2End));
    ASSERT_TRUE(until_text(request, "head"));
    hang_up(is_reset);
    support::settle(loop_);
    EXPECT_EQ(request.response.text(), "head 200 '' body=stream");
    EXPECT_EQ(server_->take(), nullptr);
    request.stream->set_reading(true);
    ASSERT_TRUE(until_text(request, "response end"));
    support::settle(loop_);
    EXPECT_EQ(server_->connections(), 0u);
    listener_.ends.clear();
  }
}

TEST_F(ClientConnectionH2Test, NoticesAtOnceThatAnIdleServerHungUp) {
  listener_.answers = true;
  Request& request = ask();
  ASSERT_TRUE(until_text(request, "response end"));
  other_end().connection().close();
  ASSERT_TRUE(until([this] { return server_->connections() == 0; }));
  EXPECT_EQ(server_->take(), nullptr);
}

TEST_F(ClientConnectionH2Test, EndsWithAServerThatSpeaksAnotherVersion) {
  Request& request = requests_.emplace_back(loop_, connect());
  listener_.server.on_bytes = [](support::ScriptedConnection& connection) {
    connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  };
  ASSERT_TRUE(until_text(request, "reset"));
  EXPECT_EQ(request.response.text(), "reset upstream_invalid_response");
  ASSERT_TRUE(until([this] { return server_->connections() == 0; }));
}

// Who was asked before may be answered; who asks now would not be heard.
TEST_F(ClientConnectionH2Test, TakesNoMoreRequestsOnceTheServerHearsNothing) {
  const support::TemporaryDirectory directory;
  support::ScriptedServer listener(loop_, directory / "app.sock");
  os::Fd other_end;
  listener.on_socket = [&](os::Fd fd) { other_end = std::move(fd); };
  config::Upstream config = support::make_upstream({listener.config()});
  config.http2 = true;
  server_ = std::make_unique<Server>(resources_, config, 0, nullptr);
  ClientConnection& connection = connect();
  Request& before = requests_.emplace_back(loop_, connection);
  support::settle(loop_);
  ASSERT_TRUE(until([&] { return static_cast<bool>(other_end); }));
  ASSERT_EQ(::shutdown(other_end.get(), SHUT_RD), 0);
  Request& behind = requests_.emplace_back(loop_, connection);
  support::settle(loop_);
  EXPECT_FALSE(connection.is_reusable());
  EXPECT_EQ(server_->take(), nullptr);
  const std::string answer = support::h2_settings() + h2_ok(1);
  ASSERT_EQ(::send(other_end.get(), answer.data(), answer.size(), 0), static_cast<ssize_t>(answer.size()));
  ASSERT_TRUE(until_text(before, "response end"));
  behind.stream->reset();
  support::settle(loop_);
  EXPECT_EQ(server_->connections(), 0u);
}

// ---- waiting --------------------------------------------------------------------------------------------------------

TEST_F(ClientConnectionH2Test, HoldsEachRequestToItsOwnLimit) {
  Request& ten = ask({.send = std::nullopt, .read = 10s});
  Request& five = ask({.send = std::nullopt, .read = 5s});
  ASSERT_TRUE(until_asked(2));
  pass(4990ms);
  EXPECT_EQ(five.response.text(), "");
  pass(20ms);
  EXPECT_EQ(five.response.text(), "reset upstream_header_timeout");
  EXPECT_EQ(ten.response.text(), "");
  other_end().send(h2_answer(1, "200"));
  ASSERT_TRUE(until_text(ten, "head"));
  pass(9980ms);
  EXPECT_FALSE(ten.response.has("reset"));
  pass(40ms);
  EXPECT_EQ(ten.response.text(), "head 200 '' body=stream | reset upstream_read_timeout answered");
}

TEST_F(ClientConnectionH2Test, IsNotUsedAgainWhereTheServerIsSilent) {
  Request& request = ask({.send = std::nullopt, .read = 5s});
  ASSERT_TRUE(until_asked(1));
  pass(5020ms);
  EXPECT_EQ(request.response.text(), "reset upstream_header_timeout");
  EXPECT_EQ(server_->take(), nullptr);
  ASSERT_TRUE(until([this] { return server_->connections() == 0; }));
}

TEST_F(ClientConnectionH2Test, RestsAsLongAsTheConfigAllows) {
  config_.keepalive.idle = 4s;
  listener_.answers = true;
  Request& request = ask();
  ASSERT_TRUE(until_text(request, "response end"));
  pass(3990ms);
  EXPECT_EQ(server_->connections(), 1u);
  pass(20ms);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ClientConnectionH2Test, RestsNoLongerForBytesThatNobodyAskedFor) {
  config_.keepalive.idle = 4s;
  listener_.answers = true;
  Request& request = ask();
  ASSERT_TRUE(until_text(request, "response end"));
  for (int i = 0; i < 3; ++i) {
    pass(1s);
    other_end().send(support::h2_ping());
    support::settle(loop_);
  }
  Request& next = ask();
  ASSERT_TRUE(until_text(next, "response end"));
  EXPECT_EQ(listener_.server.connections.size(), 1u);
  for (int i = 0; i < 3; ++i) {
    pass(1s);
    other_end().send(support::h2_ping());
    support::settle(loop_);
  }
  EXPECT_EQ(server_->connections(), 1u) << "a request does begin the time anew";
  pass(1020ms);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ClientConnectionH2Test, EndsBetweenRequestsForWhatTheServerDoes) {
  const support::CapturedLog log;
  listener_.answers = true;
  Request& request = ask();
  ASSERT_TRUE(until_text(request, "response end"));
  EXPECT_EQ(log.lines("upstream_connection_ended").size(), 0u);
  std::string flood;
  for (int i = 0; i < 600; ++i) flood += h2_answer(1, "103");
  other_end().send(flood);
  ASSERT_TRUE(until([this] { return server_->connections() == 0; }));
  ASSERT_EQ(log.lines("upstream_connection_ended").size(), 1u);
  EXPECT_EQ(log.lines("upstream_connection_ended")[0],
            "upstream_connection_ended reason=upstream_invalid_response server=" + std::string(server_->name()) +
                " detail=h2_header_flood");
}

// The deadline of one has passed when another one begins, and the timer has not fired yet.
TEST_F(ClientConnectionH2Test, BeginsARequestBesideOneWhoseTimeIsUp) {
  for (const std::uint32_t idle_max : {32U, 0U}) {
    config_.keepalive.max_idle = idle_max;
    ClientConnection& connection = connect();
    Request& late = requests_.emplace_back(loop_, connection, codec::WaitLimits{.send = std::nullopt, .read = 5s});
    ASSERT_TRUE(until([this] { return !listener_.ends.empty() && !other_end().text().empty(); }));
    clock_.advance(6s);
    ASSERT_EQ(server_->take(), &connection);
    Request& next = requests_.emplace_back(loop_, connection);
    EXPECT_EQ(late.response.text(), "") << "nobody is told inside of another one's call";
    EXPECT_FALSE(connection.is_pooled());
    support::settle(loop_);
    EXPECT_EQ(late.response.text(), "reset upstream_header_timeout");
    ASSERT_TRUE(until([this] { return other_end().whole.size() == 2; }));
    other_end().send(h2_ok(3));
    ASSERT_TRUE(until_text(next, "response end"));
    listener_.ends.clear();
    server_->retire_pool();
    EXPECT_EQ(server_->connections(), 0u);
    server_->revive_pool();
    support::settle(loop_);
  }
}

// ---- TLS ------------------------------------------------------------------------------------------------------------

// A server with TLS that offers what a test says.
class ClientConnectionAlpnTest : public ClientConnectionH2Test {
 protected:
  void serve(tls::Alpn alpn) {
    const tls::PemPair pair = support::make_pair_for({"app.test"});
    sites_.add({"app.test"}, {pair}, true);
    store_.emplace(sites_.store());
    listener_.server.on_socket = [this, alpn](os::Fd fd) {
      end_ = std::make_unique<support::TlsEnd>(loop_, std::move(fd), store_->new_session(alpn));
      end_->start();
    };
    config_.tls.sni = "app.test";
    config_.tls.ca = sites_.directory().write("ca.pem", pair.cert);
    config_.servers[0].tls = true;
    auto context = tls::ClientContext::load(config_.tls);
    ASSERT_TRUE(context.has_value()) << context.error().message;
    context_.emplace(std::move(*context));
    server_ = std::make_unique<Server>(resources_, config_, 0, &*context_);
  }

  support::CertSites sites_;
  std::optional<tls::CertStore> store_;
  std::optional<tls::ClientContext> context_;
  std::unique_ptr<support::TlsEnd> end_;
};

TEST_F(ClientConnectionAlpnTest, SpeaksHttp2WithAServerThatChoosesIt) {
  serve(tls::Alpn::kHttp2AndHttp1);
  Request& request = ask();
  ASSERT_TRUE(until([this] { return end_->received().size() > support::kH2Magic.size(); }));
  support::settle(loop_);
  support::H2Reading reading;
  ASSERT_TRUE(end_->received().starts_with(support::kH2Magic));
  reading.add(std::string_view(end_->received()).substr(support::kH2Magic.size()));
  const std::string text = reading.take_text();
  EXPECT_TRUE(
      text.ends_with("HEADERS 1 [:method: GET] [:scheme: https] [:authority: app.test] [:path: /x] "
                     "[te: trailers] end"))
      << text;
  end_->send(support::h2_greeting() + h2_ok(1));
  ASSERT_TRUE(until_text(request, "response end"));
  EXPECT_EQ(request.response.text(), kH2OkText);
}

TEST_F(ClientConnectionAlpnTest, SpeaksHttp1WithAServerThatOffersNothingElse) {
  serve(tls::Alpn::kHttp1);
  Request& request = ask();
  ASSERT_TRUE(until([this] { return end_->received().ends_with("\r\n\r\n"); }));
  EXPECT_EQ(end_->received(), "GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n");
  EXPECT_EQ(server_->take(), nullptr) << "it has a request to itself";
  end_->send("HTTP/1.1 204 No Content\r\n\r\n");
  ASSERT_TRUE(until_text(request, "response end"));
  EXPECT_TRUE(server_->take() != nullptr);
}

}  // namespace
}  // namespace viaduct::upstream

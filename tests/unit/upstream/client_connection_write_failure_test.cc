// SPDX-License-Identifier: Apache-2.0
// A write that takes some of a request and then finds the connection broken: what left counts as sent, so that the
// answer to it, which may be here already, is the server's.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "support/manual_clock.h"
#include "support/recording_stream.h"
#include "support/scripted_server.h"
#include "support/wait_until.h"
#include "upstream/client_connection.h"
#include "upstream/server.h"

namespace viaduct::upstream {
namespace {

constexpr std::string_view kAnswer =
    "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";

// Takes `room` bytes of the first write and fails; what it gives to read is the answer and the end.
class BreakingTransport final : public net::Transport {
 public:
  explicit BreakingTransport(std::size_t room) : room_(room) {}

  void start(net::TransportHandler& handler) override { handler_ = &handler; }
  void become_ready() { handler_->on_transport_ready(); }
  net::IoResult read(base::Buffer& into) override {
    into.append(kAnswer);
    return {.status = net::IoStatus::kEnd, .bytes = kAnswer.size()};
  }
  net::IoResult write(base::Buffer& from) override {
    from.drop(room_);
    return {.status = net::IoStatus::kFailed, .bytes = room_};
  }
  void set_reading(bool) override {}
  void shutdown() override {}
  void close(bool) override {}
  net::Delivery delivery() const override { return net::Delivery::kPending; }
  const net::TlsInfo* tls_info() const override { return nullptr; }

 private:
  std::size_t room_;
  net::TransportHandler* handler_ = nullptr;
};

class Ready final : public ReadyHandler {
 public:
  void on_connection_ready() override {}
  void on_connection_failed(const net::TransportError&) override { ADD_FAILURE(); }
};

class WriteFailureTest : public testing::Test {
 protected:
  // Everything that a request hears whose first write takes `room` bytes.
  std::string outcome(std::size_t room) {
    EXPECT_TRUE(server_.reserve());
    auto owned = std::make_unique<BreakingTransport>(room);
    BreakingTransport& transport = *owned;
    ClientConnection& connection = *std::make_unique<ClientConnection>(loop_, server_, std::move(owned)).release();
    server_.adopt(connection);
    Ready ready;
    connection.open(ready);
    transport.become_ready();
    support::RecordingResponseHandler response(loop_.chunks());
    http::ClientStream& stream = connection.begin(response, {});
    http::RequestHead head(response.arena());
    head.method = http::Method::kPost;
    head.method_text = "POST";
    head.target = "/x";
    head.body = {.kind = http::BodyKind::kSized, .bytes = 100'000};
    stream.send_head(head, false);
    support::wait_until(loop_, [&] { return response.has("response end") || response.has("reset"); });
    return response.text();
  }

  support::ManualClock clock_;
  codec::H2Library h2_library_;
  net::Loop loop_{clock_};
  net::Resolver resolver_{loop_};
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  support::ScriptedServer listener_{loop_};
  config::Upstream config_ = support::make_upstream({listener_.config()});
  Server server_{resources_, config_, 0, nullptr};
};

TEST_F(WriteFailureTest, LeavesTheAnswerToWhatHadLeft) {
  EXPECT_TRUE(outcome(10).starts_with("head 413 ")) << outcome(10);
}

// Nothing that the server says can be about a request that it has no byte of.
TEST_F(WriteFailureTest, TakesNoAnswerWhereNothingHadLeft) {
  EXPECT_NE(outcome(0).find("upstream_closed"), std::string::npos) << outcome(0);
}

}  // namespace
}  // namespace viaduct::upstream

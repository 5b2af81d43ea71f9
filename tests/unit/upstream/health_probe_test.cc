// SPDX-License-Identifier: Apache-2.0
#include "upstream/health_probe.h"

#include <gtest/gtest.h>

#include <array>

#include "base/format.h"
#include "http/date.h"
#include "support/connect_outcome.h"
#include "support/scripted_server.h"
#include "support/wait_until.h"

namespace viaduct::upstream {
namespace {

using namespace std::chrono_literals;
using support::ScriptedConnection;

class HealthProbeTest : public testing::Test, private ProbeHandler {
 protected:
  // Begins a probe of `server`.
  void begin(const config::Server& server) {
    upstream_ = support::make_upstream({server});
    upstream_.keepalive.max_idle = 0;
    server_ = std::make_unique<Server>(resources_, upstream_, 0, nullptr);
    ProbeHandler& handler = *this;
    probe_ = std::make_unique<HealthProbe>(*server_, config_, handler, method_);
    probe_->begin();
  }
  void begin() { begin(listener_.config()); }
  void wait_result() {
    support::wait_until(loop_, [this] { return results_ > 0; });
  }
  // The result of a probe that gets `answer`; "good: detail" or "reason: detail".
  std::string result_of(const std::string& answer) {
    listener_.on_bytes = [&answer](ScriptedConnection& connection) {
      if (connection.take_request()) connection.send(answer);
    };
    results_ = 0;
    begin();
    wait_result();
    return result_;
  }
  bool until_request() {
    return support::wait_until(
        loop_, [this] { return !listener_.connections.empty() && listener_.last().received.ends_with("\r\n\r\n"); });
  }
  void pass(base::Duration duration) { support::pass_time(loop_, clock_, duration); }

  support::ManualClock clock_;
  net::Loop loop_{clock_};
  net::Resolver resolver_{loop_};
  codec::H2Library h2_library_;
  StateTable states_;
  Resources resources_{.loop = loop_, .resolver = resolver_, .h2_library = h2_library_, .states = states_};
  support::ScriptedServer listener_{loop_};
  config::Health config_{.path = "/health", .host = {}, .timeout = 2s};
  http::Method method_ = http::Method::kGet;
  config::Upstream upstream_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<HealthProbe> probe_;
  int results_ = 0;
  std::string result_;
  ProbeResult whole_result_;

 private:
  void on_probe_done(const ProbeResult& result) override {
    ++results_;
    whole_result_ = result;
    result_ = (result.is_good ? std::string("good") : std::string(result.reason)) + ": " + result.detail;
  }
};

TEST_F(HealthProbeTest, AsksForThePathWithTheHostOfTheServer) {
  begin();
  ASSERT_TRUE(until_request());
  EXPECT_EQ(listener_.last().received, "GET /health HTTP/1.1\r\nHost: " + server_->authority() +
                                           "\r\nUser-Agent: viaduct-health-check\r\nAccept: */*\r\n\r\n");
}

TEST_F(HealthProbeTest, AsksWithTheHostOfTheConfigAndEscapesThePath) {
  config_.host = "health.test:81";
  config_.path = "/\xe6\x94\xaf a%2F;v=1";
  begin();
  ASSERT_TRUE(until_request());
  EXPECT_TRUE(listener_.last().received.starts_with("GET /%E6%94%AF%20a%252F;v=1 HTTP/1.1\r\nHost: health.test:81\r\n"))
      << listener_.last().received;
}

TEST_F(HealthProbeTest, AsksByAnotherMethodWhereThatIsWanted) {
  method_ = http::Method::kOptions;
  begin();
  ASSERT_TRUE(until_request());
  EXPECT_TRUE(listener_.last().received.starts_with("OPTIONS /health HTTP/1.1\r\n")) << listener_.last().received;
}

TEST_F(HealthProbeTest, SaysTheStatusAndHowFarTheServersClockIsOff) {
  std::array<char, http::kDateLength> text{};
  const auto answer_at = [&](base::Duration offset) {
    return base::format("HTTP/1.1 503 Down\r\nContent-Length: 0\r\nDate: {}\r\n\r\n",
                        http::write_date(clock_.wall_now() + offset, text));
  };
  for (const base::Duration offset : {base::Duration(0s), base::Duration(90s), base::Duration(-90s)}) {
    result_of(answer_at(offset));
    EXPECT_EQ(whole_result_.status, 503);
    EXPECT_EQ(whole_result_.clock_offset, offset);
  }
  result_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: yesterday\r\n\r\n");
  EXPECT_EQ(whole_result_.clock_offset, std::nullopt);
  result_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(whole_result_.clock_offset, std::nullopt);
}

TEST_F(HealthProbeTest, JudgesByTheStatus) {
  struct Row {
    std::string status;
    std::uint16_t from;
    std::uint16_t to;
    std::string result;
  };
  const Row rows[] = {
      {"200 OK", 200, 399, "good: status 200"},
      {"399 Last", 200, 399, "good: status 399"},
      {"400 Bad", 200, 399, "unexpected_status: status 400, expected 200-399"},
      {"503 Down", 200, 399, "unexpected_status: status 503, expected 200-399"},
      {"204 None", 204, 204, "good: status 204"},
      {"200 OK", 204, 204, "unexpected_status: status 200, expected 204"},
      {"503 Teapot", 503, 503, "good: status 503"},
  };
  for (const Row& row : rows) {
    config_.expect_from = row.from;
    config_.expect_to = row.to;
    const std::string length = row.status.starts_with("204") ? "" : "Content-Length: 0\r\n";
    EXPECT_EQ(result_of("HTTP/1.1 " + row.status + "\r\n" + length + "\r\n"), row.result);
  }
}

TEST_F(HealthProbeTest, ReadsTheAnswerToItsEnd) {
  EXPECT_EQ(result_of("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"),
            "good: status 200");
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX: y\r\n\r\n"),
            "good: status 200");
  EXPECT_EQ(results_, 1);
  support::wait_until(loop_, [this] { return listener_.last().is_ended || listener_.last().is_reset; });
}

TEST_F(HealthProbeTest, ReadsNoMoreThanItNeeds) {
  EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" +
                      std::string(HealthProbe::kBodyBytesMax + 1, 'x')),
            "good: status 200");
  support::wait_until(loop_, [this] { return listener_.last().is_ended || listener_.last().is_reset; });
  EXPECT_EQ(results_, 1);
}

TEST_F(HealthProbeTest, SaysWhatIsWrongWithAnAnswer) {
  EXPECT_TRUE(result_of("garbage\r\n\r\n").starts_with("upstream_invalid_response: "));
  listener_.on_bytes = [](ScriptedConnection& connection) { connection.close(); };
  results_ = 0;
  begin();
  wait_result();
  EXPECT_TRUE(result_.starts_with("upstream_closed: ") || result_.starts_with("upstream_reset: ")) << result_;
  listener_.on_bytes = [](ScriptedConnection& connection) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    connection.close();
  };
  results_ = 0;
  begin();
  wait_result();
  EXPECT_TRUE(result_.starts_with("upstream_truncated: ") || result_.starts_with("upstream_reset: ")) << result_;
}

TEST_F(HealthProbeTest, IsContentWithAConnectionWhereThereIsNoPath) {
  config_.path.clear();
  begin();
  wait_result();
  EXPECT_EQ(result_, "good: connected");
  support::wait_until(loop_, [this] { return !listener_.connections.empty() && listener_.last().is_ended; });
  EXPECT_EQ(listener_.last().received, "");
}

TEST_F(HealthProbeTest, SaysWhyThereIsNoConnection) {
  const support::RefusingPort refusing;
  begin(refusing.config());
  wait_result();
  EXPECT_TRUE(result_.starts_with("upstream_connect_refused: server 127.0.0.1:")) << result_;
}

TEST_F(HealthProbeTest, WaitsForAConnectionAsLongAsTheConfigSays) {
  const support::SilentPort silent;
  begin(silent.config());
  pass(1990ms);
  EXPECT_EQ(results_, 0);
  pass(20ms);
  EXPECT_EQ(result_, "upstream_connect_timeout: no connection within 2s (health.timeout)");
  pass(10s);
  EXPECT_EQ(results_, 1);
}

TEST_F(HealthProbeTest, WaitsForTheWholeAnswerAsLongAsTheConfigSays) {
  begin();
  ASSERT_TRUE(until_request());
  pass(2010ms);
  EXPECT_EQ(result_, "upstream_header_timeout: no answer within 2s (health.timeout)");
  results_ = 0;
  begin();
  ASSERT_TRUE(support::wait_until(loop_, [this] { return listener_.connections.size() == 2; }));
  ASSERT_TRUE(until_request());
  listener_.last().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  pass(1s);
  listener_.last().send("more");
  pass(1010ms);
  EXPECT_EQ(result_, "upstream_read_timeout: no whole answer within 2s (health.timeout)");
  EXPECT_EQ(results_, 1);
}

TEST_F(HealthProbeTest, MakesANewConnectionEachTime) {
  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(result_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "good: status 200");
    EXPECT_EQ(listener_.connections.size(), i);
  }
}

TEST_F(HealthProbeTest, LeavesNothingBehindWhenItGoesInTheMiddle) {
  begin();  // connecting
  probe_.reset();
  begin();
  ASSERT_TRUE(until_request());  // asking
  probe_.reset();
  support::settle(loop_);
  EXPECT_EQ(server_->connections(), 0u);
  begin();
  ASSERT_TRUE(support::wait_until(loop_, [this] { return listener_.connections.size() >= 2; }));
  ASSERT_TRUE(until_request());
  listener_.last().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  support::settle(loop_);
  probe_.reset();
  support::settle(loop_);
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(results_, 0);
}

}  // namespace
}  // namespace viaduct::upstream

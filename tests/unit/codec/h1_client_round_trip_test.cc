// SPDX-License-Identifier: Apache-2.0
// A request that comes in by H1Server and leaves by H1Client, and the response on its way back, are the same bytes but
// for what describes one connection: held over many random messages in random cuts.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "codec/h1_client.h"
#include "codec/h1_server.h"
#include "http/hop_by_hop.h"

namespace viaduct::codec {
namespace {

// The shortest proxy: both codecs and a handler between them.
class Relay final : public ServerCodecHandler,
                    public ClientCodecHandler,
                    public http::StreamHandler,
                    public http::ResponseHandler {
 public:
  // Moves everything that can move, taking at most `room` bytes of output at a time.
  void run(std::size_t room) {
    bool moved = true;
    while (moved) {
      moved = std::exchange(server_resumes_, false);
      if (moved) server_.on_input(from_client_);
      if (std::exchange(client_resumes_, false)) {
        client_.on_input(from_upstream_);
        moved = true;
      }
      moved = flush(server_.output(), to_client, room) || moved;
      server_.on_output_drained();
      moved = flush(client_.output(), to_upstream, room) || moved;
      client_.on_output_drained();
    }
  }
  void client_says(std::string_view bytes) {
    from_client_.append(bytes);
    if (server_.wants_input()) server_.on_input(from_client_);
  }
  void upstream_says(std::string_view bytes) {
    from_upstream_.append(bytes);
    if (client_.wants_input()) client_.on_input(from_upstream_);
  }
  bool is_idle() const { return server_.phase() == CodecPhase::kIdle && client_.reusable(); }

  std::string to_client;
  std::string to_upstream;

  // ServerCodecHandler, ClientCodecHandler
  http::StreamHandler& on_stream(http::ServerStream& /*stream*/) override { return *this; }
  void on_codec_stream_end() override {}
  void on_codec_output() override {}
  void on_codec_resume() override { server_resumes_ = client_resumes_ = true; }

  // http::StreamHandler
  base::Arena& arena() override { return arena_; }
  void on_head(http::RequestHead& head, bool end) override {
    http::remove_hop_by_hop_request(head.fields);
    client_.begin(*this, {});
    client_.send_head(head, end);
    if (!end) server_.set_reading(true);
  }
  void on_refused(http::RequestHead& /*head*/, http::Reason reason) override {
    ADD_FAILURE() << http::reason_name(reason);
    server_.reset();
  }
  void on_body(base::Buffer& body, bool end) override {
    client_.send_body(body, end);
    server_.set_reading(client_.writable_bytes() > 0);
  }
  void on_trailers(http::Fields& trailers) override { client_.send_trailers(trailers); }
  void on_writable() override { client_.set_reading(true); }
  void on_reset(http::Reason reason) override { ADD_FAILURE() << http::reason_name(reason); }
  void on_stream_end() override {}

  // http::ResponseHandler
  void on_informational(http::ResponseHead& head) override { server_.send_informational(head); }
  void on_response_head(http::ResponseHead& head, bool end) override {
    http::remove_hop_by_hop_response(head.fields);
    server_.send_head(head, end);
  }
  void on_response_body(base::Buffer& body, bool end) override {
    server_.send_body(body, end);
    client_.set_reading(server_.writable_bytes() > 0);
  }
  void on_response_trailers(http::Fields& trailers) override { server_.send_trailers(trailers); }
  void on_request_writable() override { server_.set_reading(true); }
  void on_response_reset(http::Reason reason, bool /*answered*/, std::string_view /*detail*/) override {
    ADD_FAILURE() << http::reason_name(reason);
  }
  void on_response_end() override {}

 private:
  static bool flush(base::Buffer& output, std::string& to, std::size_t room) {
    if (output.empty()) return false;
    const std::string_view bytes = output.front().substr(0, room);
    to += bytes;
    output.drop(bytes.size());
    return true;
  }

  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  H1Limits limits_;
  base::Buffer from_client_{chunks_};
  base::Buffer from_upstream_{chunks_};
  H1Server server_{limits_, chunks_, *this};
  H1Client client_{limits_, chunks_, *this};
  bool server_resumes_ = false;
  bool client_resumes_ = false;
};

// One message with what must become of it.
struct Message {
  std::string bytes;
  std::string head;  // as it must leave
  std::string body;
  bool is_chunked = false;
  std::string trailers;
};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }

  Message request() {
    static constexpr std::array<std::string_view, 6> kMethods = {"GET", "POST", "PUT", "DELETE", "PROPFIND", "PATCH"};
    const std::string line = std::string(kMethods.at(below(kMethods.size()))) + " /" + target() + " HTTP/1.1\r\n";
    return message(line, "Host: a.example:80\r\n");
  }
  Message response() {
    static constexpr std::array<std::string_view, 4> kLines = {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 404 Nicht da\r\n",
                                                               "HTTP/1.1 500 \xe5\xa5\xbd\r\n",
                                                               "HTTP/1.1 201 Created\r\n"};
    Message made = message(std::string(kLines.at(below(kLines.size()))), "Server: x\r\n");
    // Without a body a response says so.
    if (made.body.empty() && !made.is_chunked && made.head.find("Content-LENGTH") == std::string::npos) {
      made.bytes.insert(made.bytes.size() - 2, "Content-Length: 0\r\n");
      made.head.insert(made.head.size() - 2, "Content-Length: 0\r\n");
    }
    return made;
  }

 private:
  std::string target() {
    static constexpr std::string_view kBytes = "abc/%2F%e4?&=+;:@!$'()*,~\"<>[]\\^`{|}\xe4\xff.-_09";
    std::string text;
    for (std::size_t i = below(60); i > 0; --i) text += kBytes[below(kBytes.size())];
    return text;
  }
  std::string value() {
    static constexpr std::string_view kBytes = "aZ09 \t,;=\"\\:/?#[]@!$&'()*+{}|~^`<>%\x80\xff";
    std::string text;
    for (std::size_t i = below(80); i > 0; --i) text += kBytes[below(kBytes.size())];
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string::npos) return "";
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
  }
  std::string name() {
    static constexpr std::string_view kBytes = "abcXYZ019-_!#$%&'*+.^`|~";
    std::string text = "x";
    for (std::size_t i = below(20); i > 0; --i) text += kBytes[below(kBytes.size())];
    return text;
  }
  std::string space() {
    static constexpr std::array<std::string_view, 4> kSpaces = {"", " ", "\t ", "   "};
    return std::string(kSpaces.at(below(kSpaces.size())));
  }
  void add_fields(Message& made) {
    for (std::size_t i = below(12); i > 0; --i) {
      const std::string field_name = name();
      const std::string field_value = value();
      made.bytes += field_name + ":" + space() + field_value + space() + "\r\n";
      made.head += field_name + ": " + field_value + "\r\n";
    }
  }
  Message message(const std::string& line, std::string_view first_field) {
    Message made;
    made.bytes = made.head = line + std::string(first_field);
    add_fields(made);
    if (below(3) == 0) made.bytes += "Connection: x-gone, keep-alive\r\nx-gone: 1\r\nKeep-Alive: 5\r\n";
    add_fields(made);
    const std::size_t size = below(4) == 0 ? below(150000) : below(300);
    const std::size_t kind = below(3);
    if (kind > 0) {
      for (std::size_t i = 0; i < size; ++i) made.body += static_cast<char>(below(256));
    }
    if (kind == 1) add_sized(made);
    if (kind == 2) add_chunked(made);
    if (kind == 0) made.bytes += "\r\n", made.head += "\r\n";
    return made;
  }
  void add_sized(Message& made) {
    const std::string field = "Content-LENGTH: " + std::to_string(made.body.size()) + "\r\n\r\n";
    made.bytes += field + made.body;
    made.head += field;
  }
  void add_chunked(Message& made) {
    made.is_chunked = true;
    made.bytes += "transfer-encoding:chunked\r\n\r\n";
    made.head += "Transfer-Encoding: chunked\r\n\r\n";
    std::string_view rest = made.body;
    while (!rest.empty()) {
      const std::string_view piece = rest.substr(0, 1 + below(5000));
      std::array<char, 20> digits{};
      std::snprintf(digits.data(), digits.size(), below(2) == 0 ? "%zx" : "%06zX", piece.size());
      made.bytes +=
          std::string(digits.data()) + (below(3) == 0 ? ";ext=\"a b\"" : "") + "\r\n" + std::string(piece) + "\r\n";
      rest.remove_prefix(piece.size());
    }
    if (below(3) == 0) made.trailers = "x-sum: " + value() + "\r\nX-Sum: 2\r\n";
    made.bytes += "0\r\n" + made.trailers + "\r\n";
  }

  std::mt19937 random_;
};

// Takes the chunk framing off, by plain string work: what no parser of ours has touched.
std::pair<std::string, std::string> without_chunks(std::string_view bytes) {
  std::string body;
  while (true) {
    const std::size_t line_end = bytes.find("\r\n");
    const std::size_t size = std::stoul(std::string(bytes.substr(0, line_end)), nullptr, 16);
    bytes.remove_prefix(line_end + 2);
    if (size == 0) return {body, std::string(bytes)};
    body += bytes.substr(0, size);
    bytes.remove_prefix(size + 2);
  }
}

void expect_same(std::string_view got, const Message& message) {
  ASSERT_EQ(got.substr(0, message.head.size()), message.head);
  const std::string_view rest = got.substr(message.head.size());
  if (!message.is_chunked) {
    ASSERT_TRUE(rest == message.body);
    return;
  }
  const auto [body, trailers] = without_chunks(rest);
  ASSERT_TRUE(body == message.body);
  ASSERT_EQ(trailers, message.trailers + "\r\n");
}

TEST(H1ClientRoundTrip, CarriesMessagesUnchanged) {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(seed);
    Generator generator(seed);
    Relay relay;
    for (int i = 0; i < 3; ++i) {
      const Message request = generator.request();
      const Message response = generator.response();
      const std::size_t room = 1 + generator.below(50000);
      for (std::string_view rest = request.bytes; !rest.empty();) {
        const std::string_view piece = rest.substr(0, 1 + generator.below(20000));
        rest.remove_prefix(piece.size());
        relay.client_says(piece);
        relay.run(room);
      }
      expect_same(std::exchange(relay.to_upstream, {}), request);
      for (std::string_view rest = response.bytes; !rest.empty();) {
        const std::string_view piece = rest.substr(0, 1 + generator.below(20000));
        rest.remove_prefix(piece.size());
        relay.upstream_says(piece);
        relay.run(room);
      }
      expect_same(std::exchange(relay.to_client, {}), response);
      ASSERT_TRUE(relay.is_idle());
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace viaduct::codec

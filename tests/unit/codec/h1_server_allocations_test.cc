// SPDX-License-Identifier: Apache-2.0
// After warm-up a request takes nothing from the system's heap: neither its head, nor its body, nor its response, nor
// the same on the upstream's side. Counted by the operators of this program; not where a sanitizer has its own.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "codec/h1_client.h"
#include "codec/h1_server.h"
#include "support/allocations.h"

#ifdef VIADUCT_COUNTS_ALLOCATIONS

namespace viaduct::codec {
namespace {

// Sends each request on to an upstream connection, and the answer back.
class Relay final : public ServerCodecHandler,
                    public ClientCodecHandler,
                    public http::StreamHandler,
                    public http::ResponseHandler {
 public:
  explicit Relay(base::ChunkPool& chunks)
      : arena_(chunks), input_(chunks), server_(limits_, chunks, *this), client_(limits_, chunks, *this) {}

  void carry(std::string_view request, std::string_view response) {
    input_.append(request);
    server_.on_input(input_);
    client_.output().clear();
    client_.on_output_drained();
    input_.append(response);
    client_.on_input(input_);
    server_.output().clear();
    server_.on_output_drained();
    server_.on_input(input_);
  }
  int ended() const { return ended_; }

  http::StreamHandler& on_stream(http::ServerStream& /*stream*/) override { return *this; }
  void on_codec_stream_end() override {}
  void on_codec_output() override {}
  void on_codec_resume() override {}

  base::Arena& arena() override { return arena_; }
  void on_head(http::RequestHead& head, bool end) override {
    client_.begin(*this, {});
    client_.send_head(head, end);
    server_.set_reading(true);
  }
  void on_refused(http::RequestHead& /*head*/, http::Reason /*reason*/) override { server_.reset(); }
  void on_body(base::Buffer& body, bool end) override { client_.send_body(body, end); }
  void on_trailers(http::Fields& trailers) override { client_.send_trailers(trailers); }
  void on_writable() override {}
  void on_reset(http::Reason /*reason*/) override {}
  void on_stream_end() override {
    ++ended_;
    arena_.clear();
  }

  void on_informational(http::ResponseHead& head) override { server_.send_informational(head); }
  void on_response_head(http::ResponseHead& head, bool end) override { server_.send_head(head, end); }
  void on_response_body(base::Buffer& body, bool end) override { server_.send_body(body, end); }
  void on_response_trailers(http::Fields& trailers) override { server_.send_trailers(trailers); }
  void on_request_writable() override {}
  void on_response_reset(http::Reason /*reason*/, bool /*answered*/, std::string_view /*detail*/) override {}
  void on_response_end() override {}

 private:
  H1Limits limits_;
  base::Arena arena_;
  base::Buffer input_;
  H1Server server_;
  H1Client client_;
  int ended_ = 0;
};

TEST(H1ServerAllocations, AreNoneAfterWarmUp) {
  base::ChunkPool chunks;
  Relay relay(chunks);
  std::string fields;
  for (int i = 0; i < 40; ++i) fields += "X-Field-" + std::to_string(i) + ": " + std::string(100, 'v') + "\r\n";
  const std::string request = "POST /x HTTP/1.1\r\nHost: a\r\n" + fields + "Transfer-Encoding: chunked\r\n\r\n7d0\r\n" +
                              std::string(2000, 'x') + "\r\n0\r\nX-Sum: 1\r\n\r\n";
  const std::string response = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n" + fields +
                               "Content-Length: 50000\r\n\r\n" + std::string(50000, 'y');
  for (int i = 0; i < 3; ++i) relay.carry(request, response);
  ASSERT_EQ(relay.ended(), 3);
  const std::size_t before = support::allocations();
  for (int i = 0; i < 100; ++i) relay.carry(request, response);
  EXPECT_EQ(support::allocations() - before, 0u);
  EXPECT_EQ(relay.ended(), 103);
}

}  // namespace
}  // namespace viaduct::codec

#endif

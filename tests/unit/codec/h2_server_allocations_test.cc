// SPDX-License-Identifier: Apache-2.0
// After warm-up a request over HTTP/2 takes nothing from the system's heap: neither nghttp2 by the worker's H2Memory
// nor the codec by operator new. Not counted where a sanitizer has operators of its own.
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/h2_server.h"
#include "support/allocations.h"
#include "support/h2_frames.h"

namespace viaduct::codec {
namespace {

// Answers one request after the other with a long body, when it is whole.
class Responder final : public ServerCodecHandler, public http::StreamHandler {
 public:
  explicit Responder(base::ChunkPool& chunks)
      : chunks_(chunks), arena_(chunks), input_(chunks), server_(limits_, library_, chunks, *this) {}

  void carry(std::string_view frames) {
    input_.append(frames);
    server_.on_input(input_);
    for (int turn = 0; turn < 10; ++turn) {
      server_.fill_output();
      if (server_.output().empty()) break;
      server_.output().clear();
      server_.on_output_drained();
    }
  }
  int ended() const { return ended_; }
  std::size_t system_calls() { return library_.memory().system_calls(); }

  http::StreamHandler& on_stream(http::ServerStream& stream) override {
    stream_ = &stream;
    return *this;
  }
  void on_codec_output() override {}
  void on_codec_resume() override {}

  base::Arena& arena() override { return arena_; }
  void on_head(http::RequestHead& head, bool end) override {
    head_ = &head;
    if (end) return answer();
    stream_->set_reading(true);
  }
  void on_refused(http::RequestHead& /*head*/, http::Reason /*reason*/) override { ADD_FAILURE(); }
  void on_body(base::Buffer& body, bool end) override {
    body.clear();
    if (end) answer();
  }
  void on_trailers(http::Fields& /*trailers*/) override { answer(); }
  void on_writable() override {}
  void on_reset(http::Reason /*reason*/) override { ADD_FAILURE(); }
  void on_stream_end() override {
    ++ended_;
    arena_.clear();
  }

 private:
  void answer() {
    http::ResponseHead hint(arena_);
    hint.status = 103;
    stream_->send_informational(hint);
    http::ResponseHead answer(arena_);
    answer.status = 200;
    answer.body = {.kind = http::BodyKind::kSized, .bytes = 50'000};
    for (const http::Field& field : head_->fields) answer.fields.add(field.name, field.value);
    stream_->send_head(answer, false);
    base::Buffer body(chunks_);
    for (int i = 0; i < 50; ++i) body.append(kPiece);
    stream_->send_body(body, true);
  }

  const std::string kPiece = std::string(1000, 'y');
  H2Limits limits_;
  H2Library library_;
  base::ChunkPool& chunks_;
  base::Arena arena_;
  base::Buffer input_;
  H2Server server_;
  http::ServerStream* stream_ = nullptr;
  http::RequestHead* head_ = nullptr;
  int ended_ = 0;
};

TEST(H2ServerAllocations, AreNoneAfterWarmUp) {
  base::ChunkPool chunks;
  Responder responder(chunks);
  support::H2Fields more = {{"cookie", "a=1"}, {"cookie", "b=2"}, {"priority", "u=1, i"}};
  for (int i = 0; i < 40; ++i) more.emplace_back("x-field-" + std::to_string(i), std::string(100, 'v'));
  constexpr int kWarmUp = 40;
  constexpr int kCounted = 400;
  std::vector<std::string> requests;
  for (std::int32_t id = 1; requests.size() < kWarmUp + kCounted; id += 4) {
    requests.push_back(support::h2_get(id, more) + support::h2_window(0, 100'000));
    requests.push_back(support::h2_post(id + 2, more) + support::h2_data(id + 2, std::string(2000, 'x')) +
                       support::h2_headers(id + 2, {{"x-sum", "1"}}, support::kH2End));
  }
  const std::span<const std::string> all = requests;
  responder.carry(support::h2_preface());
  for (const std::string& frames : all.first(kWarmUp)) responder.carry(frames);
  ASSERT_EQ(responder.ended(), kWarmUp);
  const std::size_t system_calls = responder.system_calls();
#ifdef VIADUCT_COUNTS_ALLOCATIONS
  const std::size_t before = support::allocations();
#endif
  for (const std::string& frames : all.subspan(kWarmUp)) responder.carry(frames);
#ifdef VIADUCT_COUNTS_ALLOCATIONS
  EXPECT_EQ(support::allocations() - before, 0u);
#endif
  EXPECT_EQ(responder.system_calls(), system_calls);
  EXPECT_EQ(responder.ended(), kWarmUp + kCounted);
}

}  // namespace
}  // namespace viaduct::codec

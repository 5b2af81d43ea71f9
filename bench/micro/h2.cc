// SPDX-License-Identifier: Apache-2.0
// HTTP/2 by H2Server: from the frame of a request to the frame of its answer, which has no body. As many requests come
// in one read as the argument says.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "codec/h2_server.h"
#include "support/h2_frames.h"

namespace viaduct::bench {
namespace {

// One stream: answers as soon as it has the request.
class Responder final : public http::StreamHandler {
 public:
  explicit Responder(base::ChunkPool& chunks) : arena_(chunks) {}

  void set_stream(http::ServerStream& stream) { stream_ = &stream; }

  base::Arena& arena() override { return arena_; }
  void on_head(http::RequestHead& /*head*/, bool /*end*/) override {
    http::ResponseHead answer(arena_);
    answer.status = 200;
    answer.body = {.kind = http::BodyKind::kSized, .bytes = 0};
    answer.fields.add(http::FieldName::kDate, "Thu, 01 Jan 2026 00:00:00 GMT");
    answer.fields.add(http::FieldName::kContentType, "application/json");
    answer.fields.add(http::FieldName::kCacheControl, "no-store");
    stream_->send_head(answer, true);
  }
  void on_refused(http::RequestHead& /*head*/, http::Reason /*reason*/) override { CHECK(false); }
  void on_body(base::Buffer& /*body*/, bool /*end*/) override {}
  void on_trailers(http::Fields& /*trailers*/) override {}
  void on_writable() override {}
  void on_reset(http::Reason /*reason*/) override { CHECK(false); }
  void on_stream_end() override { arena_.clear(); }

 private:
  base::Arena arena_;
  http::ServerStream* stream_ = nullptr;
};

// The connection's owner.
class Owner final : public codec::ServerCodecHandler {
 public:
  explicit Owner(std::size_t streams) {
    for (std::size_t number = 0; number < streams; ++number)
      responders_.push_back(std::make_unique<Responder>(chunks_));
  }

  void carry(std::string_view frames) {
    input_.append(frames);
    server_.on_input(input_);
    server_.fill_output();
    server_.output().clear();
    server_.on_output_drained();
  }
  std::uint64_t streams() const { return streams_; }

  http::StreamHandler& on_stream(http::ServerStream& stream) override {
    Responder& responder = *responders_[streams_++ % responders_.size()];
    responder.set_stream(stream);
    return responder;
  }
  void on_codec_output() override {}
  void on_codec_resume() override {}

 private:
  base::ChunkPool chunks_;
  std::vector<std::unique_ptr<Responder>> responders_;
  base::Buffer input_{chunks_};
  codec::H2Limits limits_;
  codec::H2Library library_;
  codec::H2Server server_{limits_, library_, chunks_, *this};
  std::uint64_t streams_ = 0;
};

// Writes the number of a stream into a frame that stands at `at`.
void set_stream(std::string& frames, std::size_t at, std::uint32_t stream) {
  for (std::size_t byte = 0; byte < 4; ++byte) frames[at + 5 + byte] = static_cast<char>(stream >> (24 - 8 * byte));
}

void h2_exchange(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const std::string frame = support::h2_get(1, {{"user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0)"},
                                                {"accept", "application/json"},
                                                {"accept-language", "en-US,en;q=0.5"},
                                                {"origin", "https://app.example"},
                                                {"cookie", "session=0123456789abcdef0123456789abcdef"}});
  std::string frames;
  for (std::size_t number = 0; number < batch; ++number) frames += frame;
  Owner owner(batch);
  owner.carry(support::h2_preface());
  std::uint32_t stream = 1;
  for (auto _ : state) {
    for (std::size_t number = 0; number < batch; ++number, stream += 2)
      set_stream(frames, number * frame.size(), stream);
    owner.carry(frames);
  }
  CHECK(owner.streams() == static_cast<std::uint64_t>(state.iterations()) * batch);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(h2_exchange)->Arg(1)->Arg(32);

}  // namespace
}  // namespace viaduct::bench

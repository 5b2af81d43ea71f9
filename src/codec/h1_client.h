// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 towards an upstream server: one request at a time on a connection that is used again as long as both sides
// may be sure of where the next message begins (RFC 9112 §9.3, §9.6). A request for a WebSocket may make it a tunnel,
// which is its last use (codec/websocket_handshake). Owned by upstream/client_connection; see codec/client_codec.h for
// re-entrancy and lifetime.
//
//   kIdle ─► kWaiting ─► kBody ─► kIdle | kSending ─► kIdle
//     └◄───────┘ └─► kTunnel    (kWaiting, kBody, kSending ─► kBroken; any ─► kClosed, which is the last)
#pragma once

#include <cstdint>
#include <string_view>

#include "base/buffer.h"
#include "codec/client_codec.h"
#include "codec/h1_body_writer.h"
#include "codec/h1_limits.h"
#include "codec/h1_parser.h"
#include "codec/interim_budget.h"
#include "codec/websocket_handshake.h"
#include "http/framing.h"
#include "http/stream.h"

namespace viaduct::codec {

class H1Client final : public ClientCodec, public http::ClientStream {
 public:
  // Output beyond which writable_bytes() is 0, and below which on_request_writable follows.
  static constexpr std::size_t kOutputBytesMax = 64 * 1024;
  static constexpr std::size_t kOutputBytesLow = 16 * 1024;

  // All three must outlive the codec. Of the limits max_head_size and max_fields apply to responses.
  H1Client(const H1Limits& limits, base::ChunkPool& chunks, ClientCodecHandler& owner);
  H1Client(const H1Client&) = delete;
  H1Client& operator=(const H1Client&) = delete;

  // ClientCodec
  bool reusable() const override { return state_ == State::kIdle && input_end_ == InputEnd::kNone; }
  http::ClientStream& begin(http::ResponseHandler& handler, const WaitLimits& limits) override;
  WaitLimits limits() const override { return limits_; }
  void on_input(base::Buffer& input) override;
  void on_input_end(bool clean) override;
  void on_time(base::MonoTime now) override { now_ = now; }
  std::optional<base::MonoTime> next_deadline() const override { return std::nullopt; }
  void fill_output() override {}
  base::Buffer& output() override { return output_; }
  void on_output_drained() override;
  bool wants_input() const override;
  CodecPhase phase() const override;
  CodecEnding ending() const override { return ending_; }
  void abort(http::Reason reason) override;

  // ClientStream
  void send_head(const http::RequestHead& head, bool end) override;
  void send_body(base::Buffer& body, bool end) override;
  void send_trailers(const http::Fields& trailers) override;
  void reset() override;
  void set_reading(bool reading) override;
  void set_read_limit(std::optional<base::Duration> limit) override;
  std::size_t writable_bytes() const override;

 private:
  enum class State : std::uint8_t {
    kIdle,     // no request; every byte that comes now is one too many
    kWaiting,  // a request has begun; the final response head is due
    kBody,     // the final head was delivered; body bytes are due
    kSending,  // the response is complete; the request is not, or is not sent yet
    kTunnel,   // 101 has come: bytes of the other protocol pass, until each direction has ended
    kBroken,   // the request is not what its head said; on_response_reset is due with the next on_input
    kClosed,   // nothing more; ending_ says how it ends
  };
  enum class InputEnd : std::uint8_t { kNone, kClean, kCut };
  // What the request under way asked for.
  enum class Asked : std::uint8_t {
    kAnswer,
    kWebsocket,      // with the client's own key: the client checks what is accepted
    kWebsocketByUs,  // with key_
  };

  void transition(State next);
  void read_head(base::Buffer& input);
  void accept_head(bool has_surplus);
  void accept_informational(http::ResponseHead& head);
  void begin_tunnel(http::ResponseHead& head);
  bool takes_accept(http::Fields& fields) const;
  void begin_body(const http::ResponseFraming& framing);
  void read_body(base::Buffer& input);
  void read_tunnel(base::Buffer& input);
  void take_input_end();
  void end_response_body();
  void settle_tunnel();
  void finish_response(bool has_surplus);
  void finish_stream();
  void fail(http::Reason reason, std::string_view detail = {});
  // The answer is none, for what `detail` says.
  void refuse(std::string_view detail) { fail(http::Reason::kUpstreamInvalidResponse, detail); }
  // The same, where the parser has found it out.
  void refuse_parsed();
  void close();
  void end(CodecEnding ending);
  void resume();
  void after_write(bool whole);
  bool is_open() const { return handler_ != nullptr && state_ != State::kBroken; }

  ClientCodecHandler& owner_;
  base::Buffer output_;
  H1Parser parser_;
  H1BodyWriter writer_;
  State state_ = State::kIdle;
  CodecEnding ending_ = CodecEnding::kOpen;
  InputEnd input_end_ = InputEnd::kNone;
  bool in_input_ = false;      // on_input is on the stack
  bool resume_asked_ = false;  // on_codec_resume was called, on_input is to come
  base::MonoTime now_;

  // Of the request under way.
  WaitLimits limits_;
  Asked asked_ = Asked::kAnswer;
  WebsocketKey key_;
  http::ResponseHandler* handler_ = nullptr;  // null in kIdle and kClosed
  http::ResponseHead* head_ = nullptr;        // under way; null until its first byte
  http::Method method_ = http::Method::kOther;
  bool answered_ = false;  // a byte of an answer has come
  bool persists_ = false;  // both sides mean to keep the connection
  bool reading_ = true;
  bool is_full_ = false;    // on_request_writable is due
  bool has_left_ = false;   // a byte of the request was taken by the transport
  std::size_t queued_ = 0;  // bytes in output_ when it was last added to
  InterimBudget interim_;
};

}  // namespace viaduct::codec

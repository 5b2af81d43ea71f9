// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 and 1.0 towards a client: one request after the other from the bytes of one connection, and their responses
// (RFC 9112 §9.3). Requests that are pipelined wait in the owner's buffer until the response before them has been
// handed to the transport. A request for a WebSocket (codec/websocket_handshake) may make the connection a tunnel,
// which is its last use. Owned by daemon/connection; see codec/server_codec.h for re-entrancy and lifetime.
//
//   kIdle ─► kHead ─► kExchange ─► kFlushing ─► kIdle | kDiscarding ─► kIdle
//              │          ├─► kRefused ─► kFlushing
//              └─► kRefused ├─► kBroken
//                         └─► kTunnel ─► kCutting        (any ─► kClosing, which is the last)
#pragma once

#include <cstdint>
#include <memory>

#include "base/arena.h"
#include "base/buffer.h"
#include "codec/h1_body_writer.h"
#include "codec/h1_limits.h"
#include "codec/h1_parser.h"
#include "codec/server_codec.h"
#include "http/stream.h"

namespace viaduct::codec {

class H1Server final : public ServerCodec, public http::ServerStream {
 public:
  // Output beyond which writable_bytes() is 0, and below which on_writable follows.
  static constexpr std::size_t kOutputBytesMax = 64 * 1024;
  static constexpr std::size_t kOutputBytesLow = 16 * 1024;
  // How much of a request body that nobody wants is read and dropped to keep the connection. Where more may come, the
  // answer announces the connection's end: no request behind it may be lost without that (RFC 9112 §9.6).
  static constexpr std::size_t kDiscardBytesMax = 64 * 1024;

  // All three must outlive the codec.
  H1Server(const H1Limits& limits, base::ChunkPool& chunks, ServerCodecHandler& owner);
  H1Server(const H1Server&) = delete;
  H1Server& operator=(const H1Server&) = delete;

  // ServerCodec
  void on_input(base::Buffer& input) override;
  void on_input_end(bool clean) override;
  void on_time(base::MonoTime) override {}
  std::optional<base::MonoTime> next_deadline() const override { return std::nullopt; }
  void fill_output() override {}
  base::Buffer& output() override { return output_; }
  void on_output_drained() override;
  bool wants_input() const override;
  CodecPhase phase() const override;
  CodecEnding ending() const override { return ending_; }
  bool is_answer_whole() const override { return state_ == State::kFlushing; }
  http::Reason failure() const override { return http::Reason::kNone; }
  void begin_drain() override;
  void begin_patient_drain() override;
  void abort(http::Reason reason) override;

  // ServerStream
  void send_informational(const http::ResponseHead& head) override;
  void send_head(const http::ResponseHead& head, bool end) override;
  void send_body(base::Buffer& body, bool end) override;
  void send_trailers(const http::Fields& trailers) override;
  void reset() override;
  void set_reading(bool reading) override;
  void set_patient(bool patient) override { is_patient_ = patient; }
  std::size_t writable_bytes() const override;

 private:
  enum class State : std::uint8_t {
    kIdle,        // no request; no arena is held
    kHead,        // a request head is being read
    kExchange,    // the head was delivered; request body and response are under way
    kRefused,     // the request was refused; its answer is awaited, nothing more is read
    kBroken,      // the response is not what its head said; on_reset is due with the next on_input
    kTunnel,      // 101 was sent: bytes of the other protocol pass, until each direction has ended
    kCutting,     // the tunnel was broken off; what stands in output_ leaves before the client sees it
    kFlushing,    // the response is complete in output_
    kDiscarding,  // the response has gone; the rest of the request body is read and dropped
    kClosing,     // no request any more; ending_ says how it ends
  };
  // The interim response that Expect: 100-continue asks for.
  enum class Continue : std::uint8_t { kNotExpected, kDue, kSent };
  // What ends the connection gracefully: the next response, or being idle as well.
  enum class Drain : std::uint8_t { kNone, kPatient, kNow };

  void transition(State next);
  void begin_request();
  void read_head(base::Buffer& input);
  void accept_head(bool has_more_input);
  void note_request_line();
  void read_body(base::Buffer& input);
  void read_tunnel(base::Buffer& input);
  void give_up_head(http::Reason reason);
  void begin_discarding();
  void discard(base::Buffer& input);
  void take_input_end();
  void refuse(http::Reason reason);
  void fail(http::Reason reason);
  void close(CodecEnding ending);
  void resume();
  void finish_stream();
  void begin_tunnel(const http::ResponseHead& head);
  void end_tunnel_input();
  void settle_tunnel();
  void after_write(bool whole);
  H1Framing framing_of(const http::ResponseHead& head) const;
  bool is_rest_unwanted(const http::ResponseHead& head);
  bool decide_persistence(H1Framing framing, const http::ResponseHead& head);
  CodecEnding proper_ending() const;

  const H1Limits& limits_;
  ServerCodecHandler& owner_;
  base::Buffer output_;
  H1Parser parser_;
  H1BodyWriter writer_;
  State state_ = State::kIdle;
  CodecEnding ending_ = CodecEnding::kOpen;
  base::Buffer* input_ = nullptr;  // what on_input was given, while it is on the stack
  bool resume_asked_ = false;      // on_codec_resume was called, on_input is to come
  bool input_ended_ = false;       // on_input_end was called
  Drain drain_ = Drain::kNone;
  std::uint64_t requests_ = 0;  // begun on this connection

  // Of the request under way.
  http::StreamHandler* handler_ = nullptr;  // null in kIdle, kDiscarding, kCutting, kClosing
  http::RequestHead* head_ = nullptr;       // in the handler's arena
  http::Version version_ = http::Version::kHttp11;
  bool is_head_request_ = false;
  bool client_persists_ = false;  // the client means to keep the connection
  bool persists_ = false;         // and so do we
  bool reading_ = false;
  bool is_wanted_ = false;   // the handler has read of the body
  bool is_patient_ = false;  // the handler counts the silence of the body
  bool is_full_ = false;     // on_writable is due
  Continue continue_ = Continue::kNotExpected;
  std::unique_ptr<base::Arena> discarded_trailers_;  // in kDiscarding, where some may come
};

}  // namespace viaduct::codec

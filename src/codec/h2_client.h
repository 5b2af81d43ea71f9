// SPDX-License-Identifier: Apache-2.0
// HTTP/2 towards an upstream server: many requests side by side on one connection (RFC 9113), each an H2ClientStream.
// Owned by upstream/client_connection; see codec/client_codec.h for re-entrancy and lifetime. As in H2Server, events
// are told behind the read and frames are serialised at the write.
//
//   kOpen ─► kGoodbye ─► kEnded ─► kClosed     (each may be left out)
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/buffer.h"
#include "base/intrusive_list.h"
#include "codec/client_codec.h"
#include "codec/h2_client_stream.h"
#include "codec/h2_flood_guard.h"
#include "codec/h2_head_reader.h"
#include "codec/h2_limits.h"
#include "codec/h2_pulse.h"
#include "codec/h2_session.h"

namespace viaduct::codec {

class H2Client final : public ClientCodec, private H2SessionHandler {
 public:
  // Requests that share a connection, where the server does not grant fewer.
  static constexpr std::uint32_t kRequestsMax = 100;

  // `limits`, `library`, `chunks` and `owner` must outlive the codec. Of the limits max_head_size and max_fields apply
  // to responses. `is_tls`: what :scheme says.
  H2Client(const H2Limits& limits, H2Library& library, base::ChunkPool& chunks, ClientCodecHandler& owner, bool is_tls);
  ~H2Client() override;
  H2Client(const H2Client&) = delete;
  H2Client& operator=(const H2Client&) = delete;

  // ClientCodec
  bool reusable() const override;
  http::ClientStream& begin(http::ResponseHandler& handler, const WaitLimits& limits) override;
  WaitLimits limits() const override { return {}; }
  void on_input(base::Buffer& input) override;
  void on_input_end(bool clean) override;
  void on_time(base::MonoTime now) override;
  std::optional<base::MonoTime> next_deadline() const override;
  void fill_output() override { session_.fill(kH2OutputBytesMax); }
  base::Buffer& output() override { return session_.output(); }
  void on_output_drained() override;
  void on_output_blocked() override { deliver(); }
  bool wants_input() const override { return !is_ended(); }
  CodecPhase phase() const override;
  CodecEnding ending() const override;
  std::string_view fault() const override { return fault_; }
  void abort(http::Reason reason) override;

 private:
  friend class H2ClientStream;

  enum class State : std::uint8_t {
    kOpen,
    kGoodbye,  // no more requests: the server takes none, is silent, or keeps to no window; those under way go on
    kEnded,    // no more is read; answers that are whole wait for handlers that do not read
    kClosed,   // nothing more; what is queued is written, then the transport ends
  };

  // H2SessionHandler
  bool on_frame_begin(const H2FrameInfo& frame) override;
  void on_block_begin(H2StreamBase* stream, std::int32_t stream_id, bool is_new) override;
  bool on_field(std::string_view name, std::string_view value) override;
  void on_block_end(bool end) override;
  void on_data(H2StreamBase& stream, const base::Buffer& input, std::size_t offset, std::size_t count) override;
  void on_end_stream(H2StreamBase& stream) override;
  void on_stream_closed(H2StreamBase& stream, std::uint32_t code) override;
  void on_goaway(std::int32_t last_stream_id, std::uint32_t code) override;
  void on_ping_answered() override {}
  void on_body_sent(H2StreamBase& stream, std::size_t count) override;
  void on_reset_sent(std::int32_t stream_id, std::uint32_t code) override;
  void on_broken(std::uint32_t code) override;

  void transition(State next);
  // The server has not said anything for `limit`: it may be gone, and nobody else is sent there.
  void note_silence(base::Duration limit);
  // A request waits for its answer since `since`: the server is asked whether it is there where it is silent.
  void watch_pulse(base::MonoTime since);
  // The stream's handler is gone, and the arena that its fields are read into.
  void forget_block(const H2ClientStream& stream);
  void touch(H2ClientStream& stream);
  void deliver();
  // Whether nobody reads this HEADERS or DATA frame of a stream.
  bool is_stray(const H2FrameInfo& frame) const;
  // RST_STREAM, behind which something of the stream may still come.
  void reset_stream(std::int32_t stream_id, std::uint32_t code);
  // Ends the connection for what the server does.
  void fail(std::string_view fault, std::uint32_t code);
  bool is_ended() const { return state_ == State::kEnded || state_ == State::kClosed; }
  // No more is read. Every request under way whose answer is not whole ends by on_response_reset: with `reason`, or,
  // where an answer had begun, `reason_answered`, and fault().
  void end_all(http::Reason reason, http::Reason reason_answered);
  void settle();
  void resume();

  const H2Limits& limits_;
  ClientCodecHandler& owner_;
  base::ChunkPool& chunks_;
  H2Memory& memory_;
  bool is_tls_;
  H2Session session_;
  H2HeadReader reader_;
  H2FloodGuard guard_;
  State state_ = State::kOpen;
  CodecEnding ending_ = CodecEnding::kClose;
  bool is_greeted_ = false;  // the server's first frame has come
  bool is_broken_ = false;   // the connection ends for fault_; the handlers are to be told
  std::string_view fault_;
  bool is_telling_ = false;     // events are being delivered
  bool resume_asked_ = false;   // on_codec_resume was called, on_input is to come
  std::uint32_t requests_ = 0;  // under way
  base::MonoTime now_;
  H2Pulse pulse_;
  base::MonoTime deadline_ = base::MonoTime::max();  // no stream's limit is reached before
  H2ClientStream* block_ = nullptr;                  // whose header block is being read
  base::IntrusiveList<H2ClientStream, H2Open> streams_;
  base::IntrusiveList<H2ClientStream, H2Touched> touched_;
};

}  // namespace viaduct::codec

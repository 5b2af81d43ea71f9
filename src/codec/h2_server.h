// SPDX-License-Identifier: Apache-2.0
// HTTP/2 towards a client: many requests side by side on one connection (RFC 9113), each an H2ServerStream, with
// priorities (RFC 9218) and WebSockets by extended CONNECT (RFC 8441). Owned by daemon/connection; see
// codec/server_codec.h for re-entrancy and lifetime.
//
// What frames bring is noted while nghttp2 reads them and told to the handlers behind that, stream by stream; what
// handlers send is serialised when the owner writes. So a turn that brings a hundred requests is one read, and a turn
// that answers them is one write.
//
//   kOpen ─► kNotified ─► kDraining ─► kGoodbye ─► kOver     (forward from any; a state may be left out)
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/buffer.h"
#include "base/intrusive_list.h"
#include "codec/h2_flood_guard.h"
#include "codec/h2_head_reader.h"
#include "codec/h2_limits.h"
#include "codec/h2_server_stream.h"
#include "codec/h2_session.h"
#include "codec/h2_stream_ids.h"
#include "codec/server_codec.h"

namespace viaduct::codec {

class H2Server final : public ServerCodec, private H2SessionHandler {
 public:
  // All four must outlive the codec.
  H2Server(const H2Limits& limits, H2Library& library, base::ChunkPool& chunks, ServerCodecHandler& owner);
  ~H2Server() override;
  H2Server(const H2Server&) = delete;
  H2Server& operator=(const H2Server&) = delete;

  // ServerCodec
  void on_input(base::Buffer& input) override;
  void on_input_end(bool clean) override;
  void on_time(base::MonoTime now) override;
  std::optional<base::MonoTime> next_deadline() const override;
  void fill_output() override;
  base::Buffer& output() override { return session_.output(); }
  void on_output_drained() override;
  bool wants_input() const override;
  CodecPhase phase() const override;
  CodecEnding ending() const override;
  http::Reason failure() const override { return failure_; }
  void begin_drain() override;
  void begin_patient_drain() override;
  void abort(http::Reason reason) override;

 private:
  friend class H2ServerStream;

  enum class State : std::uint8_t {
    kOpen,
    kNotified,  // as kDraining, but without a stream too, until the client has shown that it knows
    kDraining,  // the client was asked to begin no more; those that are on their way are still taken
    kGoodbye,   // GOAWAY is queued with the last stream that is answered; ends with it
    kOver,      // no stream any more; what is queued is written, then the transport ends as ending_ says
  };

  // H2SessionHandler
  bool on_frame_begin(const H2FrameInfo& frame) override;
  void on_block_begin(H2StreamBase* stream, std::int32_t stream_id, bool is_new) override;
  bool on_field(std::string_view name, std::string_view value) override;
  void on_block_end(bool end) override;
  void on_data(H2StreamBase& stream, const base::Buffer& input, std::size_t offset, std::size_t count) override;
  void on_end_stream(H2StreamBase& stream) override;
  void on_stream_closed(H2StreamBase& stream, std::uint32_t code) override;
  void on_goaway(std::int32_t, std::uint32_t) override {}
  void on_ping_answered() override;
  void on_body_sent(H2StreamBase& stream, std::size_t count) override;
  void on_reset_sent(std::int32_t stream_id, std::uint32_t code) override;
  void on_end_sent(H2StreamBase& stream) override;
  void on_broken(std::uint32_t code) override;

  void transition(State next);
  // Whether nobody reads this HEADERS or DATA frame of `stream`, null where there is none.
  bool is_stray(const H2FrameInfo& frame, const H2ServerStream* stream) const;
  // RST_STREAM, behind which something of the stream may still come.
  void reset_stream(std::int32_t stream_id, std::uint32_t code);
  // Whether a frame may come for a stream that is over; where not, the connection has been ended.
  bool is_in_order(const H2FrameInfo& frame);
  void begin_stream(std::int32_t stream_id);
  void end_head(H2ServerStream& stream, bool end);
  void prioritize(H2ServerStream& stream, const http::RequestHead& head);
  void end_trailers(H2ServerStream& stream, bool end);
  // The stream's handler is gone, and the arena that its fields are read into.
  void forget_block(const H2ServerStream& stream);
  // As little as possible may be added to what waits for the client.
  bool is_crowded() const { return waiting_bytes_ >= kH2WaitingBytesCrowd || library_.is_memory_short(); }
  // Of a stream now `now` bytes of its answer wait, of which `before` are counted.
  void count_waiting(std::size_t before, std::size_t now);
  // Streams whose handlers were told to wait may have room.
  void touch_stopped();
  // The windows that `frame` changes may be what streams wait for.
  void note_windows(const H2FrameInfo& frame);
  // A stream has something to be told; done once nghttp2 has returned.
  void touch(H2ServerStream& stream);
  // Tells what is due. Nothing of the owner or of nghttp2 may be on the stack but the owner's call.
  void deliver();
  // Ends the connection for what the client does, or does not do.
  void fail(http::Reason reason, std::uint32_t code);
  void end_all(http::Reason reason);
  void give_notice();
  void say_goodbye();
  void settle();
  void note_deadline(base::MonoTime deadline);
  void expire_streams();
  // Asks the owner for on_input.
  void resume();

  const H2Limits& limits_;
  ServerCodecHandler& owner_;
  base::ChunkPool& chunks_;
  H2Library& library_;
  H2Memory& memory_;
  H2Session session_;
  H2HeadReader reader_;
  H2FloodGuard guard_;
  H2StreamIds ids_;
  State state_ = State::kOpen;
  CodecEnding ending_ = CodecEnding::kLinger;  // once kOver and written
  http::Reason failure_ = http::Reason::kNone;
  bool has_begun_ = false;         // a byte has come
  bool input_ended_ = false;       // on_input_end was called
  bool is_leaving_ = false;        // the client has said goodbye
  bool knows_priorities_ = false;  // the client speaks of them as RFC 9218 has it
  bool is_broken_ = false;         // the connection ends for failure_; the handlers are to be told
  bool is_telling_ = false;        // events are being delivered
  bool is_ping_due_ = false;       // once the notice of a drain is in the output
  bool resume_asked_ = false;      // on_codec_resume was called, on_input is to come
  std::uint64_t requests_ = 0;
  std::size_t waiting_bytes_ = 0;  // of answers, on all streams
  H2Progress sent_;                // the bodies of answers, on all streams
  H2Progress uploaded_;            // the bodies of requests, on all streams
  base::MonoTime now_;
  base::MonoTime deadline_ = base::MonoTime::max();  // no stream's limit is reached before
  H2ServerStream* block_ = nullptr;                  // whose header block is being read; null where nobody wants it
  http::Fields* trailers_ = nullptr;                 // of block_, where it is that
  base::IntrusiveList<H2ServerStream, H2Open> streams_;
  base::IntrusiveList<H2ServerStream, H2Touched> touched_;
};

}  // namespace viaduct::codec

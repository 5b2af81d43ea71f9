// SPDX-License-Identifier: Apache-2.0
// One HTTP/2 connection as nghttp2 runs it, in either role: frames, HPACK, flow control and priorities (RFC 9113, 7541,
// 9218). Bytes in, events out, no socket, no clock. The only place that calls nghttp2's sessions; what a message means
// is for H2Server and H2Client, which own one and implement H2SessionHandler.
//
// nghttp2 may not be entered again from its own callbacks, so events only note what happened; submitting frames is
// allowed from everywhere, receive() and fill() from outside of events alone.
#pragma once

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/buffer.h"
#include "codec/h2_frame_cut.h"
#include "codec/h2_library.h"
#include "codec/h2_outgoing.h"
#include "http/reason.h"

namespace viaduct::codec {

// What a stream's events come with: the object given to set_stream(), null before that. H2Server and H2Client derive
// their streams from it.
class H2StreamBase {
 public:
  std::int32_t id() const { return id_; }

 protected:
  explicit H2StreamBase(std::int32_t id) : id_(id) {}
  ~H2StreamBase() = default;
  // A client's stream has its number once its request was submitted.
  void set_id(std::int32_t id) { id_ = id; }

 private:
  std::int32_t id_;
};

class H2SessionHandler {
 public:
  // A frame's header is here, of whatever type. False, here and in on_field: nothing more is read, since the handler
  // has called terminate().
  virtual bool on_frame_begin(const H2FrameInfo& frame) = 0;
  // A header block begins. `is_new`: the first one of a request that a client sends, `stream` is null; else an answer's
  // head, interim or final, or trailers.
  virtual void on_block_begin(H2StreamBase* stream, std::int32_t stream_id, bool is_new) = 0;
  // The next field of the block that has begun, of that stream; alive until the event returns.
  virtual bool on_field(std::string_view name, std::string_view value) = 0;
  // The block is whole; `end`: it carried END_STREAM.
  virtual void on_block_end(bool end) = 0;
  // `count` bytes of a body, at `offset` of the first run of `input`. The connection's window is given back at once,
  // the stream's by consume().
  virtual void on_data(H2StreamBase& stream, const base::Buffer& input, std::size_t offset, std::size_t count) = 0;
  // END_STREAM on a DATA frame.
  virtual void on_end_stream(H2StreamBase& stream) = 0;
  // The stream is over on both sides, or was reset by either. `code` as in RST_STREAM, 0 for a proper end. Nothing
  // about it follows.
  virtual void on_stream_closed(H2StreamBase& stream, std::uint32_t code) = 0;
  // A server takes no streams above `last_stream_id`. A client's goodbye is seen in on_frame_begin alone.
  virtual void on_goaway(std::int32_t last_stream_id, std::uint32_t code) = 0;
  // Our ping came back.
  virtual void on_ping_answered() = 0;
  // `count` bytes of this stream's body went into the output.
  virtual void on_body_sent(H2StreamBase& stream, std::size_t count) = 0;
  // RST_STREAM went into the output, for a stream that may be nobody's.
  virtual void on_reset_sent(std::int32_t stream_id, std::uint32_t code) = 0;
  // END_STREAM of this stream went into the output. Until then a reset would take the place of what is queued.
  virtual void on_end_sent(H2StreamBase& /*stream*/) {}
  // nghttp2 found the connection broken and has queued GOAWAY with `code`.
  virtual void on_broken(std::uint32_t code) = 0;

 protected:
  ~H2SessionHandler() = default;
};

struct H2SessionSettings {
  bool is_server = true;
  std::span<const nghttp2_settings_entry> entries;
  // Bytes that the other side may have under way on all streams together.
  std::int32_t connection_window = 1024 * 1024;
};

class H2Session {
 public:
  // All three must outlive the session. Queues the SETTINGS frame (and a client's preface).
  H2Session(H2Library& library, base::ChunkPool& chunks, H2SessionHandler& handler, const H2SessionSettings& settings);
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;

  // Takes all bytes of `input` and delivers events. Where the connection is broken the rest is dropped.
  void receive(base::Buffer& input);
  // Serialises queued frames into output() until it holds `bytes_max`, and of the last one what is beyond, or nothing
  // is left.
  void fill(std::size_t bytes_max);
  base::Buffer& output() { return output_; }
  // fill() would write something.
  bool has_output() const { return nghttp2_session_want_write(session_.get()) != 0; }
  // Frames that wait to be serialised, bodies apart.
  std::size_t queued_frames() const { return nghttp2_session_get_outbound_queue_size(session_.get()); }
  // False: the connection is broken or has said goodbye to its last stream.
  bool wants_input() const { return nghttp2_session_want_read(session_.get()) != 0; }

  // What was received ends within a frame or the preface, of that type.
  const H2FrameCut& cut() const { return cut_; }
  // Whose events those of `stream_id` are; null: nobody's.
  H2StreamBase* find(std::int32_t stream_id) const;
  // Whether the other side's window of this stream has room; that of the connection may have none.
  bool has_window(std::int32_t stream_id) const {
    return nghttp2_session_get_stream_remote_window_size(session_.get(), stream_id) > 0;
  }
  // What both windows let through. RFC 9113 §6.9.2: they may be negative.
  std::size_t sendable_bytes(std::int32_t stream_id) const {
    const std::int32_t stream = nghttp2_session_get_stream_remote_window_size(session_.get(), stream_id);
    return static_cast<std::size_t>(
        std::max(0, std::min(stream, nghttp2_session_get_remote_window_size(session_.get()))));
  }

  // How many bytes of this stream's body may be on their way: what its window allowed and has not come.
  std::size_t window_left(std::int32_t stream_id) const;

  // Says whose events those of `stream_id` are; null: nobody's any more.
  void set_stream(std::int32_t stream_id, H2StreamBase* stream);
  // A request; returns its stream's number, negative where there are none left. `body` null: none follows.
  std::int32_t submit_request(std::span<const nghttp2_nv> fields, H2Outgoing* body, H2StreamBase* stream);
  // A final response. `body` null: none follows.
  void submit_response(std::int32_t stream_id, std::span<const nghttp2_nv> fields, H2Outgoing* body);
  // An interim response.
  void submit_informational(std::int32_t stream_id, std::span<const nghttp2_nv> fields);
  // `body` has bytes again, or has ended, since it had none.
  void resume(std::int32_t stream_id);
  void submit_reset(std::int32_t stream_id, std::uint32_t code);
  void submit_goaway(std::uint32_t code);
  void submit_shutdown_notice();
  void submit_ping();
  // Ends the connection with GOAWAY; nothing more is read.
  void terminate(std::uint32_t code);
  // Gives `count` bytes of the stream's window back.
  void consume(std::int32_t stream_id, std::size_t count);
  // Widens the stream's window.
  void set_window(std::int32_t stream_id, std::int32_t bytes);
  // RFC 9218 §5.
  void set_priority(std::int32_t stream_id, std::uint32_t urgency, bool incremental);
  // A client: whether submit_request() may be called: no goodbye was said and there are numbers left.
  bool may_request() const { return nghttp2_session_check_request_allowed(session_.get()) != 0; }
  // RFC 9113 §6.5.2, as the other side has said it.
  std::uint32_t remote_setting(nghttp2_settings_id id) const;

  // Registers our functions; for H2Library.
  static void set_callbacks(nghttp2_session_callbacks& callbacks);

 private:
  friend struct H2SessionCallbacks;

  // What nghttp2 is to take the frame that has begun for.
  std::uint8_t shown_type() const;
  // Gives nghttp2 bytes that belong to one frame; false: the connection is broken.
  bool give(std::span<const std::uint8_t> bytes);
  struct SessionDelete {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  H2SessionHandler& handler_;
  base::Buffer output_;
  H2FrameCut cut_;
  std::size_t output_bytes_max_ = 0;     // while fill() runs
  const base::Buffer* input_ = nullptr;  // while receive() runs
  std::unique_ptr<nghttp2_session, SessionDelete> session_;
};

}  // namespace viaduct::codec

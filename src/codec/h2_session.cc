// SPDX-License-Identifier: Apache-2.0
#include "codec/h2_session.h"

#include <algorithm>

#include "base/check.h"

namespace viaduct::codec {
namespace {

std::string_view text_of(const std::uint8_t* bytes, std::size_t length) {
  return {reinterpret_cast<const char*>(bytes), length};
}

// nghttp2 fails here for want of memory alone, which ends this program anyhow.
void expect_done(int result) {
  CHECK(result != NGHTTP2_ERR_NOMEM);
}

}  // namespace

// What nghttp2 calls. Each finds the session's handler and says what happened.
struct H2SessionCallbacks {
  static H2Session& session_of(void* user_data) { return *static_cast<H2Session*>(user_data); }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    H2Session& self = session_of(user_data);
    const bool is_new = frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
    self.handler_.on_block_begin(self.find(frame->hd.stream_id), frame->hd.stream_id, is_new);
    return 0;
  }

  // NOLINTNEXTLINE(readability-function-size): nghttp2 says what is passed.
  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_length,
                       const std::uint8_t* value, std::size_t value_length, std::uint8_t, void* user_data) {
    const bool goes_on =
        session_of(user_data).handler_.on_field(text_of(name, name_length), text_of(value, value_length));
    return goes_on ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    H2Session& self = session_of(user_data);
    const bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS: self.handler_.on_block_end(is_end); break;
      case NGHTTP2_DATA: {
        H2StreamBase* stream = is_end ? self.find(frame->hd.stream_id) : nullptr;
        if (stream != nullptr) self.handler_.on_end_stream(*stream);
        break;
      }
      case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) self.handler_.on_ping_answered();
        break;
      case NGHTTP2_GOAWAY: self.handler_.on_goaway(frame->goaway.last_stream_id, frame->goaway.error_code); break;
      default: break;
    }
    return 0;
  }

  // NOLINTNEXTLINE(readability-function-size): nghttp2 says what is passed.
  static int on_data_chunk(nghttp2_session* session, std::uint8_t, std::int32_t stream_id, const std::uint8_t* data,
                           std::size_t length, void* user_data) {
    H2Session& self = session_of(user_data);
    expect_done(nghttp2_session_consume_connection(session, length));
    H2StreamBase* stream = self.find(stream_id);
    if (stream == nullptr) {
      expect_done(nghttp2_session_consume_stream(session, stream_id, length));
      return 0;
    }
    const auto offset = reinterpret_cast<const char*>(data) - self.input_->front().data();
    self.handler_.on_data(*stream, *self.input_, static_cast<std::size_t>(offset), length);
    return 0;
  }

  static int on_stream_close(nghttp2_session* session, std::int32_t stream_id, std::uint32_t code, void* user_data) {
    H2Session& self = session_of(user_data);
    H2StreamBase* stream = self.find(stream_id);
    if (stream == nullptr) return 0;
    expect_done(nghttp2_session_set_stream_user_data(session, stream_id, nullptr));
    self.handler_.on_stream_closed(*stream, code);
    return 0;
  }

  static int on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    H2Session& self = session_of(user_data);
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      self.handler_.on_reset_sent(frame->hd.stream_id, frame->rst_stream.error_code);
    }
    const bool is_last = frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR;
    if (is_last) self.handler_.on_broken(frame->goaway.error_code);
    const bool may_end = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    const bool is_end = may_end && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    H2StreamBase* stream = is_end ? self.find(frame->hd.stream_id) : nullptr;
    if (stream != nullptr) self.handler_.on_end_sent(*stream);
    return 0;
  }

  // NOLINTNEXTLINE(readability-function-size): nghttp2 says what is passed.
  static ssize_t read_body(nghttp2_session* session, std::int32_t stream_id, std::uint8_t*, std::size_t length,
                           std::uint32_t* flags, nghttp2_data_source* source, void*) {
    return static_cast<H2Outgoing*>(source->ptr)->offer(session, stream_id, length, *flags);
  }

  // NOLINTNEXTLINE(readability-function-size): nghttp2 says what is passed.
  static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* header, std::size_t length,
                       nghttp2_data_source* source, void* user_data) {
    H2Session& self = session_of(user_data);
    CHECK(frame->data.padlen == 0);  // nothing here asks for padding
    self.output_.append(text_of(header, kFrameHeaderBytes));
    static_cast<H2Outgoing*>(source->ptr)->move_to(self.output_, length);
    H2StreamBase* stream = self.find(frame->hd.stream_id);
    if (stream != nullptr) self.handler_.on_body_sent(*stream, length);
    // nghttp2 goes on from one DATA frame to the next where it is not stopped.
    return self.output_.size() < self.output_bytes_max_ ? 0 : NGHTTP2_ERR_PAUSE;
  }

  static constexpr std::size_t kFrameHeaderBytes = 9;  // RFC 9113 §4.1
};

void H2Session::set_callbacks(nghttp2_session_callbacks& callbacks) {
  using Callbacks = H2SessionCallbacks;
  nghttp2_session_callbacks_set_on_begin_headers_callback(&callbacks, Callbacks::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(&callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(&callbacks, Callbacks::on_frame_recv);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(&callbacks, Callbacks::on_data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(&callbacks, Callbacks::on_stream_close);
  nghttp2_session_callbacks_set_on_frame_send_callback(&callbacks, Callbacks::on_frame_sent);
  nghttp2_session_callbacks_set_send_data_callback(&callbacks, Callbacks::send_data);
}

H2Session::H2Session(H2Library& library, base::ChunkPool& chunks, H2SessionHandler& handler,
                     const H2SessionSettings& settings)
    : handler_(handler), output_(chunks), cut_(settings.is_server ? NGHTTP2_CLIENT_MAGIC_LEN : 0) {
  nghttp2_session* session = nullptr;
  const auto make = settings.is_server ? nghttp2_session_server_new3 : nghttp2_session_client_new3;
  CHECK(make(&session, library.callbacks(), this, library.option(), library.memory().functions()) == 0);
  session_.reset(session);
  expect_done(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.entries.data(), settings.entries.size()));
  expect_done(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, settings.connection_window));
}

void H2Session::receive(base::Buffer& input) {
  input_ = &input;
  while (!input.empty()) {
    const std::string_view run = input.front();
    const std::size_t held = cut_.header_bytes();
    const H2FrameCut::Piece piece = cut_.next(run);
    if (piece.begins && !handler_.on_frame_begin(cut_.frame())) break;
    std::span bytes(reinterpret_cast<const std::uint8_t*>(run.data()), piece.bytes);
    if (piece.begins && (held > 0 || shown_type() != cut_.frame().type)) {
      if (!give(cut_.header_as(shown_type()))) break;
      bytes = bytes.subspan(H2FrameCut::kHeaderBytes - held);
    }
    // A header is given when it is whole.
    if (cut_.header_bytes() == 0 && !bytes.empty() && !give(bytes)) break;
    input.drop(piece.bytes);
  }
  input_ = nullptr;
  input.clear();
}

// nghttp2 takes nothing more behind the goodbye of a client without a stream, but a goodbye says nothing of the streams
// that its sender begins (RFC 9113 §6.8): shown is a frame that nobody knows, which may stand in the same places.
std::uint8_t H2Session::shown_type() const {
  constexpr std::uint8_t kUnknownType = 0xf0;
  const H2FrameInfo& frame = cut_.frame();
  const bool is_hidden = is_goodbye(frame) && nghttp2_session_check_server_session(session_.get()) != 0;
  return is_hidden ? kUnknownType : frame.type;
}

bool H2Session::give(std::span<const std::uint8_t> bytes) {
  const ssize_t taken = nghttp2_session_mem_recv(session_.get(), bytes.data(), bytes.size());
  if (taken >= 0) return true;
  CHECK(taken != NGHTTP2_ERR_NOMEM);
  if (taken == NGHTTP2_ERR_CALLBACK_FAILURE) return false;
  // No preface, or more of something than nghttp2 bears: it leaves the goodbye to us.
  const bool is_preface = taken == NGHTTP2_ERR_BAD_CLIENT_MAGIC;
  terminate(is_preface ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_ENHANCE_YOUR_CALM);
  return false;
}

void H2Session::fill(std::size_t bytes_max) {
  output_bytes_max_ = bytes_max;
  while (output_.size() < bytes_max) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t count = nghttp2_session_mem_send(session_.get(), &bytes);
    CHECK(count >= 0);
    if (count == 0) return;
    output_.append(text_of(bytes, static_cast<std::size_t>(count)));
  }
}

H2StreamBase* H2Session::find(std::int32_t stream_id) const {
  return static_cast<H2StreamBase*>(nghttp2_session_get_stream_user_data(session_.get(), stream_id));
}

std::size_t H2Session::window_left(std::int32_t stream_id) const {
  const std::int32_t left = nghttp2_session_get_stream_local_window_size(session_.get(), stream_id);
  return left > 0 ? static_cast<std::size_t>(left) : 0;
}

void H2Session::set_stream(std::int32_t stream_id, H2StreamBase* stream) {
  // Fails for a stream that nghttp2 has refused or closed already; then there are no events to receive.
  expect_done(nghttp2_session_set_stream_user_data(session_.get(), stream_id, stream));
}

std::int32_t H2Session::submit_request(std::span<const nghttp2_nv> fields, H2Outgoing* body, H2StreamBase* stream) {
  const nghttp2_data_provider provider{.source = {.ptr = body}, .read_callback = H2SessionCallbacks::read_body};
  return nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(),
                                body != nullptr ? &provider : nullptr, stream);
}

void H2Session::submit_response(std::int32_t stream_id, std::span<const nghttp2_nv> fields, H2Outgoing* body) {
  const nghttp2_data_provider provider{.source = {.ptr = body}, .read_callback = H2SessionCallbacks::read_body};
  expect_done(nghttp2_submit_response(session_.get(), stream_id, fields.data(), fields.size(),
                                      body != nullptr ? &provider : nullptr));
}

void H2Session::submit_informational(std::int32_t stream_id, std::span<const nghttp2_nv> fields) {
  expect_done(nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, stream_id, nullptr, fields.data(),
                                     fields.size(), nullptr));
}

void H2Session::resume(std::int32_t stream_id) {
  expect_done(nghttp2_session_resume_data(session_.get(), stream_id));
}

void H2Session::submit_reset(std::int32_t stream_id, std::uint32_t code) {
  expect_done(nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream_id, code));
}

void H2Session::submit_goaway(std::uint32_t code) {
  const std::int32_t last = nghttp2_session_get_last_proc_stream_id(session_.get());
  expect_done(nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, last, code, nullptr, 0));
}

void H2Session::submit_shutdown_notice() {
  expect_done(nghttp2_submit_shutdown_notice(session_.get()));
}

void H2Session::submit_ping() {
  expect_done(nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr));
}

void H2Session::terminate(std::uint32_t code) {
  expect_done(nghttp2_session_terminate_session(session_.get(), code));
}

void H2Session::consume(std::int32_t stream_id, std::size_t count) {
  expect_done(nghttp2_session_consume_stream(session_.get(), stream_id, count));
}

void H2Session::set_window(std::int32_t stream_id, std::int32_t bytes) {
  expect_done(nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, stream_id, bytes));
}

void H2Session::set_priority(std::int32_t stream_id, std::uint32_t urgency, bool incremental) {
  const nghttp2_extpri priority{.urgency = urgency, .inc = incremental ? 1 : 0};
  expect_done(nghttp2_session_change_extpri_stream_priority(session_.get(), stream_id, &priority, 0));
}

std::uint32_t H2Session::remote_setting(nghttp2_settings_id id) const {
  return nghttp2_session_get_remote_settings(session_.get(), id);
}

}  // namespace viaduct::codec

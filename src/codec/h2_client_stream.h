// SPDX-License-Identifier: Apache-2.0
// One request to an upstream server and its response on an HTTP/2 connection. Belongs to its H2Client, which keeps it
// until nghttp2 has forgotten the stream.
//
//   kIdle ─► kWaiting ─► kAnswered ─► kOver     (any ─► kOver)
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/buffer.h"
#include "base/intrusive_list.h"
#include "codec/client_codec.h"
#include "codec/h2_outgoing.h"
#include "codec/h2_session.h"
#include "codec/h2_stream_lists.h"
#include "codec/h2_wait.h"
#include "codec/interim_budget.h"
#include "http/stream.h"

namespace viaduct::codec {

class H2Client;

class H2ClientStream final : public H2StreamBase,
                             public http::ClientStream,
                             public base::ListHook<H2Open>,
                             public base::ListHook<H2Touched> {
 public:
  H2ClientStream(H2Client& client, http::ResponseHandler& handler, const WaitLimits& limits);
  H2ClientStream(const H2ClientStream&) = delete;
  H2ClientStream& operator=(const H2ClientStream&) = delete;

  // http::ClientStream
  void send_head(const http::RequestHead& head, bool end) override;
  void send_body(base::Buffer& body, bool end) override;
  void send_trailers(const http::Fields& trailers) override;
  void reset() override;
  void set_reading(bool reading) override;
  void set_read_limit(std::optional<base::Duration> limit) override;
  std::size_t writable_bytes() const override { return outgoing_.room(); }

 private:
  friend class H2Client;

  using TouchedHook = base::ListHook<H2Touched>;

  enum class State : std::uint8_t {
    kIdle,      // begun; the head is to be sent
    kWaiting,   // it was; the final response head is due
    kAnswered,  // that was delivered; body bytes may follow
    kOver,      // the handler is gone
  };

  void transition(State next);
  // The header block that begins: a response head, or trailers.
  http::Fields& begin_block();
  // The head is whole; `fault`: why it is none, empty where it is one.
  void end_response_head(std::string_view fault, bool end);
  void take_data(const base::Buffer& input, std::size_t offset, std::size_t count);
  void take_end();
  void take_close(std::uint32_t code);
  // The handler's events, as far as they are due; called by H2Client outside of nghttp2.
  void deliver();
  void deliver_body();
  // Notes that the attempt has failed; the handler is told by deliver().
  void spoil(http::Reason reason);
  // The same for an answer that is none, for what `detail` says.
  void refuse(std::string_view detail);
  void fail(http::Reason reason, std::string_view detail);
  void finish();
  void expire();
  void after_write(bool whole);
  bool is_request_complete() const { return request_sent_ && !outgoing_.is_waiting() && !outgoing_.is_open(); }
  bool has_answer() const { return head_ != nullptr; }
  // Nothing is due from the server any more; the handler may have to take the rest.
  bool is_answer_whole() const { return response_ended_ && reason_ == http::Reason::kNone; }
  H2Wait::Kind present_wait() const;
  std::optional<base::Duration> limit() const;
  // The server has to say or to take something and has not begun to answer.
  bool awaits_head() const { return state_ == State::kWaiting && wait_.kind() != H2Wait::Kind::kNone; }
  void note_wait();

  H2Client& client_;
  http::ResponseHandler* handler_;  // null in kOver
  WaitLimits limits_;
  State state_ = State::kIdle;
  http::Reason reason_ = http::Reason::kNone;  // why the attempt has failed
  std::string_view detail_;                    // and what was wrong with the answer
  http::Method method_ = http::Method::kOther;

  // The request.
  bool request_sent_ = false;  // the head is submitted
  H2Outgoing outgoing_;

  // The response.
  http::ResponseHead* head_ = nullptr;  // in the handler's arena; once a block of it has begun
  bool is_head_ready_ = false;          // whole and not delivered
  InterimBudget interim_;
  base::Buffer received_;
  std::optional<std::uint64_t> left_;  // of an announced length
  http::Fields* trailers_ = nullptr;   // received, not yet delivered
  bool response_ended_ = false;        // END_STREAM was received
  bool reading_ = true;
  bool is_closed_ = false;  // nghttp2 has forgotten the stream
  H2Wait wait_;
  std::size_t moved_bytes_ = 0;  // since the wait was told
};

}  // namespace viaduct::codec

// SPDX-License-Identifier: Apache-2.0
// One request and its response on an HTTP/2 connection, as H2Server keeps it from the first byte of the head until
// nghttp2 has forgotten the stream. Belongs to its H2Server.
//
//   kHead ─► kReady ─► kExchange ─► kOver     (kReady, kExchange ─► kRefused ─► kOver; any ─► kOver)
#pragma once

#include <cstdint>
#include <optional>

#include "base/buffer.h"
#include "base/intrusive_list.h"
#include "codec/h2_outgoing.h"
#include "codec/h2_session.h"
#include "codec/h2_stream_lists.h"
#include "codec/h2_wait.h"
#include "http/stream.h"

namespace viaduct::codec {

class H2Server;

class H2ServerStream final : public H2StreamBase,
                             public http::ServerStream,
                             public base::ListHook<H2Open>,
                             public base::ListHook<H2Touched> {
 public:
  H2ServerStream(H2Server& server, std::int32_t id);
  ~H2ServerStream();
  H2ServerStream(const H2ServerStream&) = delete;
  H2ServerStream& operator=(const H2ServerStream&) = delete;

  // http::ServerStream
  void send_informational(const http::ResponseHead& head) override;
  void send_head(const http::ResponseHead& head, bool end) override;
  void send_body(base::Buffer& body, bool end) override;
  void send_trailers(const http::Fields& trailers) override;
  void reset() override;
  void set_reading(bool reading) override;
  void set_patient(bool patient) override;
  std::size_t writable_bytes() const override;

 private:
  friend class H2Server;

  using TouchedHook = base::ListHook<H2Touched>;

  enum class State : std::uint8_t {
    kHead,      // the head is being read
    kReady,     // it is whole, and about to be delivered, or refused for reason_
    kExchange,  // it was delivered; body and response are under way
    kRefused,   // the handler was told why there is no (more of the) request, and answers
    kOver,      // the handler is gone
  };
  enum class Answer : std::uint8_t { kNone, kBegun, kComplete };
  enum class Continue : std::uint8_t { kNotExpected, kDue, kSent };

  void transition(State next);
  // The handler's events, as far as they are due; called by H2Server outside of nghttp2.
  void deliver();
  void deliver_head();
  void deliver_refusal();
  void deliver_body();
  void deliver_end();
  // The request cannot go on, which its handler is told by deliver().
  void refuse(http::Reason reason, bool is_malformed);
  void take_data(const base::Buffer& input, std::size_t offset, std::size_t count);
  void take_end();
  // Ends without an answer, or in the middle of one: the handler gets on_reset.
  void fail(http::Reason reason);
  // Fails the stream, or its request, where its wait has lasted too long.
  void expire();
  void refuse_connect();
  void after_write(bool whole, bool end);
  // How much of the answer may wait for the client.
  std::size_t waiting_max() const;
  // What may be added to what waits; 0 while the handler is to wait.
  std::size_t note_room() const;
  // The handler had to wait, and may go on. True once.
  bool take_room_again();
  // Tells the connection how much waits.
  void count_waiting();
  // The answer has ended, and the client went before it.
  void complete_unsent();
  // The response has left: a client that still sends is told to stop, and one that was wrong that it was.
  void finish_answer();
  // A response can go out.
  bool is_open() const { return (state_ == State::kExchange || state_ == State::kRefused) && !is_closed_; }
  bool is_answered() const { return answer_ == Answer::kComplete && end_sent_; }
  bool wants_body() const { return state_ == State::kExchange && reading_; }
  H2Wait::Kind present_wait() const;
  // How far what the present wait is for has moved since it was told.
  H2Progress take_moved();
  // Tells the wait how it stands.
  void note_wait();

  H2Server& server_;
  http::StreamHandler* handler_ = nullptr;  // null in kOver
  http::RequestHead* head_ = nullptr;       // in the handler's arena
  State state_ = State::kHead;
  http::Reason reason_ = http::Reason::kNone;  // why it is to be refused or reset
  bool is_malformed_ = false;                  // the stream is reset in place of an answer (RFC 9113 §8.1.1)

  // The request's body.
  base::Buffer received_;
  std::optional<std::uint64_t> left_;  // of an announced length
  std::uint64_t delivered_bytes_ = 0;
  bool request_ended_ = false;  // END_STREAM was received
  bool end_delivered_ = false;
  bool reading_ = false;
  http::Fields* trailers_ = nullptr;  // received, not yet delivered
  Continue continue_ = Continue::kNotExpected;

  // The response.
  Answer answer_ = Answer::kNone;
  bool end_sent_ = false;    // all of it is in the output, or there is nobody to send it to
  bool is_wrong_ = false;    // it is not of the length that it announced
  bool is_connect_ = false;  // the request is an extended CONNECT
  bool is_tunnel_ = false;   // and was accepted
  bool is_reset_ = false;    // RST_STREAM is queued
  bool is_closed_ = false;   // nghttp2 has forgotten the stream
  std::uint32_t close_code_ = 0;
  H2Outgoing outgoing_;
  std::size_t counted_bytes_ = 0;    // of them, in H2Server::waiting_bytes_
  mutable bool is_stopped_ = false;  // the handler has used its room up, or was told of none: on_writable is due
  H2Wait wait_;
  bool is_patient_ = false;          // the handler counts the silence of the request
  std::uint64_t sent_bytes_ = 0;     // since the wait was told
  std::uint64_t seen_sent_ = 0;      // H2Server::sent_ then
  std::uint64_t seen_uploaded_ = 0;  // H2Server::uploaded_ then
};

}  // namespace viaduct::codec

// SPDX-License-Identifier: Apache-2.0
// Reads one HTTP/1.1 or 1.0 message after the other: head, body, trailers. A strict check of our own (h1_head_check,
// h1_chunk_check) passes every byte of framing, and wherever two parsers could disagree about where a message ends or
// what it is for, llhttp reads it, too, and both must agree, else the message is refused. Owned by H1Server or
// H1Client, which pull parts out of it; it calls nobody. How the body is framed is not decided here (http/framing). RFC
// 9112.
//
//   kIdle ─► kHead ─► kHeadDone ─► kSized | kChunked | kUntilClose ─► kDone ─► kHead …
//                         │             kChunked ─► kTrailers ─► kDone ─► kUntilClose
//                         └─► kDone     (any ─► kRefused)
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/buffer.h"
#include "codec/h1_chunk_check.h"
#include "codec/h1_head_check.h"
#include "codec/h1_limits.h"
#include "codec/h1_progress.h"
#include "codec/h1_text.h"
#include "http/message.h"
#include "http/reason.h"

namespace viaduct::codec {

class H1Parser {
 public:
  enum class Kind : std::uint8_t { kRequest, kResponse };

  // Empty lines that may stand before a request line (RFC 9112 §2.2).
  static constexpr int kEmptyLinesMax = 4;

  // `limits` must outlive the parser.
  H1Parser(Kind kind, const H1Limits& limits);
  H1Parser(const H1Parser&) = delete;
  H1Parser& operator=(const H1Parser&) = delete;

  // Drops empty lines before a request. True when the first byte of a message (or of something malformed) is at the
  // front of `input`. REQUIRES: no message is under way.
  bool find_message(base::Buffer& input);

  // Begins a message. `arena` keeps its texts and must outlive the message.
  void begin(base::Arena& arena);
  // What is read of the message from now on lies in `arena`, and nothing is needed any more that begin() named: views
  // of the head and fields are invalid. For a body that goes on when its exchange is over. REQUIRES: the head is
  // complete.
  void move_to(base::Arena& arena);
  // Takes bytes of the head out of `input`. On kDone, and on kRefused as far as they were good, the field lines are in
  // `fields`; the start line is below. REQUIRES: begin() came before; `fields` is empty and lives in the same arena.
  H1Progress parse_head(base::Buffer& input, http::Fields& fields);
  // Gives up a head that will not be completed: moves the lines read so far into `fields`.
  void give_up_head(http::Fields& fields);

  // What has been read of the start line; empty or 0 where it did not come so far.
  std::string_view method() const;
  std::string_view target() const;
  std::string_view reason_phrase() const;
  http::Version version() const { return version_; }
  int status() const { return status_; }

  // How the body behind the head is framed; 0 bytes: there is none. REQUIRES: parse_head() returned kDone.
  void begin_body_sized(std::uint64_t bytes);
  void begin_body_chunked();
  // Also behind a complete request whose connection becomes a tunnel.
  void begin_body_until_close();
  // Moves body bytes from `input` to the end of `body`, all that are there.
  H1Progress parse_body(base::Buffer& input, base::Buffer& body);
  // The connection has ended properly: true when the message is complete by that.
  bool finish();

  // True when a message is complete, or none has begun.
  bool is_done() const { return state_ == State::kDone || state_ == State::kIdle; }
  // Bytes of a sized body still to come; absent where that is not known.
  std::optional<std::uint64_t> body_bytes_left() const;
  // The trailer fields, null where there are none. Valid once parse_body() returned kDone.
  http::Fields* trailers() const { return trailers_; }
  // Why something was refused. For responses every reason stands for kUpstreamInvalidResponse.
  http::Reason reason() const { return reason_; }

 private:
  enum class State : std::uint8_t {
    kIdle,
    kHead,
    kHeadDone,
    kSized,
    kChunked,
    kTrailers,
    kUntilClose,
    kDone,
    kRefused
  };
  // What llhttp reported last.
  enum class Event : std::uint8_t { kNone, kHeadersComplete, kMessageComplete };
  struct Callbacks;  // the functions that llhttp calls

  void transition(State next);
  H1Progress refuse(http::Reason reason);
  H1Progress finish_head(http::Fields& fields);
  void keep_start_line();
  // Whether anything in a head that passed the check may be read otherwise by others: coded or stated lengths,
  // upgrades, methods and targets that are not the usual ones. Of all other heads debug builds make sure that llhttp
  // agrees.
  bool wants_second_opinion(const http::Fields& fields) const;
  // Lets llhttp read the head; true when it comes to the same end, start line and `fields`.
  bool ask_llhttp(const http::Fields& fields);
  void compare_with(const http::Fields& fields);
  void note_seen_field();
  bool saw_all_fields() const { return !differs_ && seen_fields_ == fields_->size(); }
  http::Reason llhttp_reason() const;
  void split_lines(http::Fields& fields) const;
  static void split_lines(std::string_view lines, http::Fields& fields);
  H1Progress parse_sized(base::Buffer& input, base::Buffer& body);
  H1Progress parse_chunked(base::Buffer& input, base::Buffer& body);
  bool take_piece(base::Buffer& input, base::Buffer& body);
  H1Progress parse_trailers(base::Buffer& input);
  H1Progress finish_trailers();
  bool feed(std::string_view bytes, std::size_t body_bytes, Event event);

  const Kind kind_;
  State state_ = State::kIdle;
  int empty_lines_ = 0;           // before the message to come
  bool carriage_return_ = false;  // half of an empty line has come
  http::Reason reason_ = http::Reason::kNone;
  H1HeadCheck check_;
  H1ChunkCheck chunk_check_;
  H1Text text_;  // the head, or the trailer section
  base::Arena* arena_ = nullptr;
  std::uint64_t left_ = 0;  // bytes of a sized body still to come
  http::Fields* trailers_ = nullptr;

  // Written by llhttp's callbacks.
  llhttp_t llhttp_{};
  Event event_ = Event::kNone;
  std::size_t body_bytes_ = 0;  // reported during the last feed()
  std::string_view seen_method_;
  std::string_view seen_target_;
  std::string_view seen_name_;  // of the field under way
  std::string_view seen_value_;
  const http::Fields* fields_ = nullptr;  // what it is compared with
  std::size_t seen_fields_ = 0;           // complete ones
  bool differs_ = false;                  // one of them is not as in fields_

  // Parts of the head, valid from its end until the next begin(): the text itself may be replaced by trailers.
  H1HeadCheck::Marks marks_;
  std::string_view head_;
  int status_ = 0;
  http::Version version_ = http::Version::kHttp11;
};

}  // namespace viaduct::codec

// SPDX-License-Identifier: Apache-2.0
// Checks every byte of an HTTP/1 head or trailer section before llhttp sees it, and holds its limits: what llhttp reads
// generously (bare LF, folded lines, spaces around names) is refused here, with the reason. Works on any cut of the
// bytes with the same result. Owned by H1Parser. RFC 9112 §2.2, §3, §4, §5.
//
//   request    kMethod ─► kTarget ─► kVersion ─► kStartLf ┐
//   response   kVersion ─► kStatus ─► kPhrase ─► kStartLf ┤        ┌──────────────────────────┐
//   trailers   ───────────────────────────────────────────┴─► kLineStart ─► kName ─► kValue ─► kLineLf
//                                                                 └─► kEndLf ─► kDone     (any ─► kRefused)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codec/h1_limits.h"
#include "codec/h1_progress.h"
#include "http/reason.h"

namespace viaduct::codec {

class H1HeadCheck {
 public:
  enum class Kind : std::uint8_t { kRequest, kResponse, kTrailers };

  // Longest method that is read; longer ones are malformed.
  static constexpr std::size_t kMethodBytesMax = 64;
  // Longest reason phrase of a response.
  static constexpr std::size_t kPhraseBytesMax = 1024;

  // Places in the bytes checked so far, counted from the first. A place that was not reached is 0.
  struct Marks {
    std::size_t method_end = 0;    // the method begins at 0
    std::size_t target_begin = 0;  // request target
    std::size_t target_end = 0;
    std::size_t phrase_begin = 0;  // reason phrase
    std::size_t phrase_end = 0;
    std::size_t lines_begin = 0;  // the first field line
    std::size_t lines_end = 0;    // behind the last field line that is complete
  };

  struct Outcome {
    H1Progress progress;
    std::size_t consumed;  // bytes of the run; behind kDone and kRefused the rest is not looked at
  };

  // `limits` must outlive the check.
  explicit H1HeadCheck(const H1Limits& limits) : limits_(limits) {}

  // Begins a head or a trailer section; forgets the one before.
  void begin(Kind kind);
  // Checks the next bytes. REQUIRES: begin() was called and neither kDone nor kRefused returned since.
  Outcome check(std::string_view run);

  const Marks& marks() const { return marks_; }
  // 0 or 1: the digit behind "HTTP/1."; valid once lines_begin is set.
  int minor_version() const { return minor_version_; }
  // The status code of a response; valid once lines_begin is set.
  int status() const { return status_; }
  // Field lines begun.
  std::size_t fields() const { return fields_; }
  // Why check() refused.
  http::Reason reason() const { return reason_; }

 private:
  enum class State : std::uint8_t {
    // start line
    kMethod,
    kTarget,
    kVersion,
    kStatus,
    kPhrase,
    kStartLf,
    // field lines
    kLineStart,
    kName,
    kValue,
    kLineLf,
    kEndLf,
    // the end
    kDone,
    kRefused,
  };

  void transition(State next);
  std::size_t refuse(http::Reason reason);
  // Each of these takes the bytes of one state and returns how many.
  std::size_t step(std::string_view run);
  std::size_t step_method(std::string_view run);
  std::size_t step_target(std::string_view run);
  std::size_t step_version(std::string_view run);
  std::size_t step_version_end(char byte);
  std::size_t step_status(std::string_view run);
  std::size_t step_phrase(std::string_view run);
  std::size_t step_section(std::string_view run);
  std::size_t take_lines(std::string_view run);
  std::size_t step_line_start(std::string_view run);
  std::size_t step_name(std::string_view run);
  std::size_t step_value(std::string_view run);
  std::size_t step_line_feed(char byte);
  std::size_t step_start_line_feed(char byte);
  http::Reason start_line_reason() const;

  const H1Limits& limits_;
  Kind kind_ = Kind::kRequest;
  State state_ = State::kDone;
  http::Reason reason_ = http::Reason::kNone;
  int major_version_ = 0;
  int minor_version_ = 0;
  int status_ = 0;
  std::size_t digits_ = 0;         // bytes read of the version or the status code
  std::size_t offset_ = 0;         // bytes checked
  std::size_t section_bytes_ = 0;  // bytes of field lines, held to max_head_size
  std::size_t fields_ = 0;
  Marks marks_;
};

}  // namespace viaduct::codec

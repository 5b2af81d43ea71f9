// SPDX-License-Identifier: Apache-2.0
// The ways in which servers read one path. An ambiguous path is matched in all of them, so that the bytes go on only
// where every server behind us would take the same route for them.
//
// Each stage below is a choice that some server makes and another does not; a stage that changes nothing for this path
// is no choice. The literal reading (decoded once, nothing resolved) comes first, the fully resolved one last:
//   backslashes, then dots, before decoding · decoded once, %2F kept or a slash · decoded again, likewise · a backslash
//   is a slash · cut at NUL and other control characters dropped · slashes merged · dot segments removed
// So: uvicorn decodes with %2F as a slash and resolves nothing; nginx merges and removes dots as well; Envoy removes
// dots and keeps %2F; IIS and WHATWG URLs turn backslashes. Two paths can be read side by side, both by the same server
// at a time: what came in, and what is made of it. Used by one exchange at a time, in its arena.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/arena.h"

namespace viaduct::route {

// What stands between a reader of paths and the decision about one of them.
class ReadingVisitor {
 public:
  // Takes one reading, and the same of the path `beside` it, where there is one; they live until the visitor returns.
  // False ends the walk.
  virtual bool on_reading(std::string_view path, std::string_view beside) = 0;

 protected:
  ~ReadingVisitor() = default;
};

// Walks through all readings of one path, or of two at once.
class PathReadings {
 public:
  // The bytes that all readings of one path may cost together. A path that costs more, several kilobytes of nothing but
  // tricks, is refused.
  static constexpr std::size_t kWorkBytesMax = 256 * 1024;

  enum class Result : std::uint8_t { kComplete, kStopped, kTooMuch };

  // `path` and `arena` must outlive this. REQUIRES: scan_path(path) finds it valid.
  PathReadings(std::string_view path, base::Arena& arena) : PathReadings(path, {}, arena) {}
  // Reads `beside`, which the same holds for, as well.
  PathReadings(std::string_view path, std::string_view beside, base::Arena& arena);

  // Gives every reading to `visitor` (one may come twice) until it says false or the work is too much.
  Result visit(ReadingVisitor& visitor);

 private:
  static constexpr std::size_t kStages = 8;

  // What is made of the path, and of the one beside it, which may be empty.
  using Texts = std::array<std::string_view, 2>;

  bool walk(std::size_t stage, const Texts& texts);
  bool walk_decoded(std::size_t stage, const Texts& texts);
  static std::string_view apply(std::size_t stage, std::string_view text, char* out);

  Texts paths_;
  std::array<std::array<char*, 2>, kStages> bytes_{};  // for each stage, room for what it makes of its texts
  ReadingVisitor* visitor_ = nullptr;
  std::size_t work_bytes_ = 0;
  bool too_much_ = false;
};

// The reading by which a static root looks a path up, as nginx would: decoded once with %2F as a slash, slashes merged,
// dot segments removed; control characters and backslashes stay. REQUIRES: scan_path(path) finds it valid.
std::string_view resolve_path(std::string_view path, base::Arena& arena);

// `path` decoded once with nothing resolved and %2F kept: the literal reading. Itself where it holds no escape.
std::string_view decode_path(std::string_view path, base::Arena& arena);

}  // namespace viaduct::route

// SPDX-License-Identifier: Apache-2.0
#include "route/path_readings.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/uri.h"

namespace viaduct::route {
namespace {

using base::SlashEscapes;

enum Stage : std::size_t { kEarlyDots, kDecode, kDecodeAgain, kBackslashes, kControls, kMerge, kDots };

constexpr bool is_control(char byte) {
  return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
}

// Cuts at the first NUL, as a reader of C strings does, and drops other control characters, as WHATWG URLs do.
std::span<char> resolve_controls(std::span<char> path) {
  const std::size_t end = std::min(std::string_view(path.data(), path.size()).find('\0'), path.size());
  const auto dropped = std::ranges::remove_if(path.first(end), is_control);
  return path.first(end - dropped.size());
}

std::string_view view_of(std::span<char> bytes) {
  return {bytes.data(), bytes.size()};
}

}  // namespace

PathReadings::PathReadings(std::string_view path, base::Arena& arena) : path_(path) {
  for (char*& bytes : bytes_) bytes = arena.make_array<char>(path.size());
}

PathReadings::Result PathReadings::visit(ReadingVisitor& visitor) {
  visitor_ = &visitor;
  work_bytes_ = 0;
  too_much_ = false;
  if (walk(0, path_)) return Result::kComplete;
  return too_much_ ? Result::kTooMuch : Result::kStopped;
}

// Goes through the choices from `stage` on.
bool PathReadings::walk(std::size_t stage, std::string_view text) {
  if (stage == kStages) return visitor_->on_reading(text);
  work_bytes_ += text.size();
  too_much_ = work_bytes_ > kWorkBytesMax;
  if (too_much_) return false;
  if (stage == kDecode || stage == kDecodeAgain) return walk_decoded(stage, text);
  // What the stage makes stays where it is meanwhile: the stages behind it write into bytes of their own.
  const std::string_view changed = apply(stage, text);
  return walk(stage + 1, text) && (changed == text || walk(stage + 1, changed));
}

// The choices of a decoding: with %2F kept or as a slash, or, the second time, none at all.
bool PathReadings::walk_decoded(std::size_t stage, std::string_view text) {
  std::size_t last_size = SIZE_MAX;
  if (stage == kDecodeAgain) {
    last_size = text.size();
    if (!walk(stage + 1, text)) return false;
  }
  for (const SlashEscapes slashes : {SlashEscapes::kKeep, SlashEscapes::kDecode}) {
    const std::size_t size = base::percent_decode(text, bytes_[stage], slashes);
    // Each choice decodes what the one before it does, and more: equally long texts are equal.
    if (size == last_size) continue;
    last_size = size;
    if (!walk(stage + 1, {bytes_[stage], size})) return false;
  }
  return true;
}

std::string_view PathReadings::apply(std::size_t stage, std::string_view text) {
  const std::span<char> room(bytes_[stage], text.size());
  std::memcpy(room.data(), text.data(), text.size());
  switch (static_cast<Stage>(stage)) {
    case kEarlyDots: return view_of(base::remove_encoded_dot_segments(room));
    case kBackslashes: return view_of(base::turn_backslashes(room));
    case kControls: return view_of(resolve_controls(room));
    case kMerge: return view_of(base::merge_slashes(room));
    case kDots: return view_of(base::remove_dot_segments(room));
    case kDecode:
    case kDecodeAgain: break;
  }
  CHECK(false);
}

std::string_view resolve_path(std::string_view path, base::Arena& arena) {
  char* bytes = arena.make_array<char>(path.size());
  const std::span<char> decoded(bytes, base::percent_decode(path, bytes));
  return view_of(base::remove_dot_segments(base::merge_slashes(decoded)));
}

std::string_view decode_path(std::string_view path, base::Arena& arena) {
  if (path.find('%') == std::string_view::npos) return path;
  char* bytes = arena.make_array<char>(path.size());
  return {bytes, base::percent_decode(path, bytes, SlashEscapes::kKeep)};
}

}  // namespace viaduct::route

// SPDX-License-Identifier: Apache-2.0
#include "route/path_readings.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/uri.h"

namespace viaduct::route {
namespace {

using base::SlashEscapes;

enum Stage : std::size_t {
  kEarlyBackslashes,
  kEarlyDots,
  kDecode,
  kDecodeAgain,
  kBackslashes,
  kControls,
  kMerge,
  kDots
};

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

PathReadings::PathReadings(std::string_view path, std::string_view beside, base::Arena& arena) : paths_{path, beside} {
  for (auto& bytes : bytes_) bytes = {arena.make_array<char>(path.size()), arena.make_array<char>(beside.size())};
}

PathReadings::Result PathReadings::visit(ReadingVisitor& visitor) {
  visitor_ = &visitor;
  work_bytes_ = 0;
  too_much_ = false;
  if (walk(0, paths_)) return Result::kComplete;
  return too_much_ ? Result::kTooMuch : Result::kStopped;
}

// Goes through the choices from `stage` on.
bool PathReadings::walk(std::size_t stage, const Texts& texts) {
  if (stage == kStages) return visitor_->on_reading(texts[0], texts[1]);
  work_bytes_ += texts[0].size() + texts[1].size();
  too_much_ = work_bytes_ > kWorkBytesMax;
  if (too_much_) return false;
  if (stage == kDecode || stage == kDecodeAgain) return walk_decoded(stage, texts);
  // What the stage makes stays where it is meanwhile: the stages behind it write into bytes of their own.
  const Texts changed = {apply(stage, texts[0], bytes_[stage][0]), apply(stage, texts[1], bytes_[stage][1])};
  return walk(stage + 1, texts) && (changed == texts || walk(stage + 1, changed));
}

// The choices of a decoding: with %2F kept or as a slash, or, the second time, none at all.
bool PathReadings::walk_decoded(std::size_t stage, const Texts& texts) {
  const std::array<char*, 2>& bytes = bytes_[stage];
  std::array<std::size_t, 2> last_sizes = {SIZE_MAX, SIZE_MAX};
  if (stage == kDecodeAgain) {
    last_sizes = {texts[0].size(), texts[1].size()};
    if (!walk(stage + 1, texts)) return false;
  }
  for (const SlashEscapes slashes : {SlashEscapes::kKeep, SlashEscapes::kDecode}) {
    const std::array<std::size_t, 2> sizes = {base::percent_decode(texts[0], bytes[0], slashes),
                                              base::percent_decode(texts[1], bytes[1], slashes)};
    // Each choice decodes what the one before it does, and more: equally long texts are equal.
    if (sizes == last_sizes) continue;
    last_sizes = sizes;
    if (!walk(stage + 1, {std::string_view(bytes[0], sizes[0]), std::string_view(bytes[1], sizes[1])})) return false;
  }
  return true;
}

std::string_view PathReadings::apply(std::size_t stage, std::string_view text, char* out) {
  if (text.empty()) return {};
  const std::span<char> room(out, text.size());
  std::memcpy(room.data(), text.data(), text.size());
  switch (static_cast<Stage>(stage)) {
    case kEarlyDots: return view_of(base::remove_encoded_dot_segments(room));
    case kEarlyBackslashes:
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

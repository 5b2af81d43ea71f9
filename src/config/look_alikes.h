// SPDX-License-Identifier: Apache-2.0
// Characters that chat windows and word processors put in the place of plain ones, and how to speak of them: full-width
// punctuation, curly quotes, spaces that are no spaces, characters that nobody sees. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace viaduct::config {

// What a character is, outside quotes and comments.
enum class Look : std::uint8_t {
  kPlain,        // nothing to say
  kPunctuation,  // looks like an ASCII character that has a meaning in YAML or in a config value
  kSpace,        // looks like a space
  kInvisible,    // cannot be seen at all
  kControl,      // a control character that no text file holds
};

struct LookAlike {
  Look look = Look::kPlain;
  char ascii = 0;         // kPunctuation, kSpace: what it stands for
  std::string_view name;  // "full-width comma"
};

LookAlike look_alike(char32_t code_point);
// `full-width comma "，" (U+FF0C)`; characters that cannot be shown come without the quotes.
std::string describe_look_alike(char32_t code_point, std::string_view bytes);

}  // namespace viaduct::config

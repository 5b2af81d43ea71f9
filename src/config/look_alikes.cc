// SPDX-License-Identifier: Apache-2.0
#include "config/look_alikes.h"

#include <algorithm>

#include "base/format.h"

namespace viaduct::config {

namespace {

struct Row {
  char32_t code_point;
  Look look;
  char ascii;
  std::string_view name;
};

constexpr Row kRows[] = {
    {0x00a0, Look::kSpace, ' ', "no-break space"},
    {0x1680, Look::kSpace, ' ', "ogham space"},
    {0x2002, Look::kSpace, ' ', "en space"},
    {0x2003, Look::kSpace, ' ', "em space"},
    {0x2004, Look::kSpace, ' ', "third of an em space"},
    {0x2005, Look::kSpace, ' ', "quarter of an em space"},
    {0x2006, Look::kSpace, ' ', "sixth of an em space"},
    {0x2007, Look::kSpace, ' ', "figure space"},
    {0x2008, Look::kSpace, ' ', "punctuation space"},
    {0x2009, Look::kSpace, ' ', "thin space"},
    {0x200a, Look::kSpace, ' ', "hair space"},
    {0x202f, Look::kSpace, ' ', "narrow no-break space"},
    {0x205f, Look::kSpace, ' ', "mathematical space"},
    {0x3000, Look::kSpace, ' ', "full-width space"},
    {0x200b, Look::kInvisible, 0, "zero-width space"},
    {0x200c, Look::kInvisible, 0, "zero-width non-joiner"},
    {0x200d, Look::kInvisible, 0, "zero-width joiner"},
    {0x200e, Look::kInvisible, 0, "left-to-right mark"},
    {0x200f, Look::kInvisible, 0, "right-to-left mark"},
    {0x2028, Look::kInvisible, 0, "line separator"},
    {0x2029, Look::kInvisible, 0, "paragraph separator"},
    {0x202a, Look::kInvisible, 0, "left-to-right embedding"},
    {0x202b, Look::kInvisible, 0, "right-to-left embedding"},
    {0x202c, Look::kInvisible, 0, "end of directional text"},
    {0x202d, Look::kInvisible, 0, "left-to-right override"},
    {0x202e, Look::kInvisible, 0, "right-to-left override"},
    {0x2060, Look::kInvisible, 0, "word joiner"},
    {0x2066, Look::kInvisible, 0, "left-to-right isolate"},
    {0x2067, Look::kInvisible, 0, "right-to-left isolate"},
    {0x2068, Look::kInvisible, 0, "first strong isolate"},
    {0x2069, Look::kInvisible, 0, "end of directional isolate"},
    {0xfeff, Look::kInvisible, 0, "byte order mark"},
    {0x2018, Look::kPunctuation, '\'', "curly quote"},
    {0x2019, Look::kPunctuation, '\'', "curly quote"},
    {0x201c, Look::kPunctuation, '"', "curly quote"},
    {0x201d, Look::kPunctuation, '"', "curly quote"},
    {0x2010, Look::kPunctuation, '-', "typographic hyphen"},
    {0x2011, Look::kPunctuation, '-', "no-break hyphen"},
    {0x2013, Look::kPunctuation, '-', "en dash"},
    {0x2014, Look::kPunctuation, '-', "em dash"},
    {0x2212, Look::kPunctuation, '-', "minus sign"},
    {0x3010, Look::kPunctuation, '[', "full-width bracket"},
    {0x3011, Look::kPunctuation, ']', "full-width bracket"},
    {0xff02, Look::kPunctuation, '"', "full-width quote"},
    {0xff03, Look::kPunctuation, '#', "full-width number sign"},
    {0xff04, Look::kPunctuation, '$', "full-width dollar sign"},
    {0xff05, Look::kPunctuation, '%', "full-width percent sign"},
    {0xff06, Look::kPunctuation, '&', "full-width ampersand"},
    {0xff07, Look::kPunctuation, '\'', "full-width quote"},
    {0xff08, Look::kPunctuation, '(', "full-width parenthesis"},
    {0xff09, Look::kPunctuation, ')', "full-width parenthesis"},
    {0xff0a, Look::kPunctuation, '*', "full-width asterisk"},
    {0xff0c, Look::kPunctuation, ',', "full-width comma"},
    {0xff0d, Look::kPunctuation, '-', "full-width hyphen"},
    {0xff0e, Look::kPunctuation, '.', "full-width full stop"},
    {0xff0f, Look::kPunctuation, '/', "full-width slash"},
    {0xff1a, Look::kPunctuation, ':', "full-width colon"},
    {0xff1b, Look::kPunctuation, ';', "full-width semicolon"},
    {0xff1d, Look::kPunctuation, '=', "full-width equals sign"},
    {0xff20, Look::kPunctuation, '@', "full-width at sign"},
    {0xff3b, Look::kPunctuation, '[', "full-width bracket"},
    {0xff3c, Look::kPunctuation, '\\', "full-width backslash"},
    {0xff3d, Look::kPunctuation, ']', "full-width bracket"},
    {0xff3f, Look::kPunctuation, '_', "full-width underscore"},
    {0xff5b, Look::kPunctuation, '{', "full-width brace"},
    {0xff5c, Look::kPunctuation, '|', "full-width bar"},
    {0xff5d, Look::kPunctuation, '}', "full-width brace"},
    {0xff5e, Look::kPunctuation, '~', "full-width tilde"},
};

bool is_control(char32_t code_point) {
  const bool is_text = code_point == '\t' || code_point == '\n' || code_point == 0x85;
  return !is_text && (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0));
}

}  // namespace

LookAlike look_alike(char32_t code_point) {
  if (is_control(code_point)) return {.look = Look::kControl, .name = "control character"};
  if (code_point < 0xa0) return {};
  const auto* row = std::ranges::find(kRows, code_point, &Row::code_point);
  if (row == std::end(kRows)) return {};
  return {.look = row->look, .ascii = row->ascii, .name = row->name};
}

std::string describe_look_alike(char32_t code_point, std::string_view bytes) {
  const LookAlike found = look_alike(code_point);
  const auto number = static_cast<std::uint32_t>(code_point);
  if (found.look != Look::kPunctuation) return base::format("{} (U+{:04X})", found.name, number);
  return base::format("{} \"{}\" (U+{:04X})", found.name, bytes, number);
}

}  // namespace viaduct::config

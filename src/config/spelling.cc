// SPDX-License-Identifier: Apache-2.0
#include "config/spelling.h"

#include <algorithm>

#include "base/bytes.h"

namespace viaduct::config {

namespace {

// Longer words are not compared: the work is the product of both lengths.
constexpr std::size_t kLengthMax = 64;
// A list of more known names than this helps nobody.
constexpr std::size_t kListedMax = 24;

// Case, '-' and '_' make no difference.
std::string fold(std::string_view text) {
  std::string folded = base::lower_case(text);
  std::ranges::replace(folded, '-', '_');
  return folded;
}

// A number is not like another number.
bool has_letter(std::string_view text) {
  return std::ranges::any_of(text,
                             [](char byte) { return base::to_lower(byte) >= 'a' && base::to_lower(byte) <= 'z'; });
}

// The one known name that starts with `word` or that `word` holds; empty when there is none or several.
std::string only_part(std::string_view word, std::span<const std::string> known) {
  constexpr std::size_t kPartMin = 3;
  const std::string folded = fold(word);
  std::string only;
  for (const std::string& candidate : known) {
    const std::string other = fold(candidate);
    const bool is_part =
        std::min(folded.size(), other.size()) >= kPartMin && (other.starts_with(folded) || folded.contains(other));
    if (!is_part) continue;
    if (!only.empty()) return {};
    only = candidate;
  }
  return only;
}

}  // namespace

std::size_t edit_distance(std::string_view from, std::string_view to) {
  const std::string a = fold(from);
  const std::string b = fold(to);
  // Optimal string alignment, three rows of the table at a time.
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, current);
  }
  return last[b.size()];
}

std::string nearest(std::string_view word, std::span<const std::string> known) {
  if (!has_letter(word) || word.size() > kLengthMax) return {};
  std::string best;
  // Two letters of three may be right in "lgos" for "logs"; in a long word every third may be wrong.
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    if (candidate.empty() || candidate.size() > kLengthMax) continue;
    const std::size_t distance = edit_distance(word, candidate);
    // A word of which nothing is left is no likeness.
    if (distance >= best_distance || distance >= std::min(word.size(), candidate.size())) continue;
    best_distance = distance;
    best = candidate;
  }
  return best.empty() ? only_part(word, known) : best;
}

std::string suggestion(std::string_view word, std::span<const std::string> known) {
  if (const std::string likely = nearest(word, known); !likely.empty()) return "did you mean \"" + likely + "\"?";
  if (known.empty() || known.size() > kListedMax) return {};
  std::string text = "known here: ";
  for (const std::string& name : known) text += (&name == known.data() ? "" : ", ") + name;
  return text;
}

std::string join_or(std::span<const std::string> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace viaduct::config

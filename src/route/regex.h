// SPDX-License-Identifier: Apache-2.0
// A regular expression: RE2's syntax, time linear in the text, bounded memory. UTF-8, case-sensitive (unless the
// pattern says (?i)), unanchored, '.' without line ends. The only file that names the library. Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace re2 {
class RE2;
}

namespace viaduct::route {

class Regex {
 public:
  // What one expression may take for itself and for what it learns while matching.
  static constexpr long kMemoryBytesMax = 1024 * 1024;

  // Compiles `pattern`; the error says in one clause what is wrong with it.
  static base::Result<Regex> compile(const std::string& pattern);
  ~Regex();
  Regex(Regex&& other) noexcept;
  Regex& operator=(Regex&& other) noexcept;

  const std::string& pattern() const;
  // True when the expression matches anywhere in `text`.
  bool matches(std::string_view text) const;
  // Replaces the first match in `text`, where \0 to \9 of `replacement` are the match and its groups; false when there
  // is none. REQUIRES: check_replacement passes `replacement`.
  bool replace_first(std::string& text, std::string_view replacement) const;
  // An error when `replacement` names a group that the expression does not have, or has a backslash before anything but
  // a digit or a backslash.
  base::Result<void> check_replacement(std::string_view replacement) const;

 private:
  explicit Regex(std::unique_ptr<re2::RE2> expression);

  std::unique_ptr<re2::RE2> expression_;  // RE2 itself cannot move
};

}  // namespace viaduct::route

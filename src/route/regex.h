// SPDX-License-Identifier: Apache-2.0
// A regular expression: RE2's syntax, time linear in the text, bounded memory. UTF-8, case-sensitive (unless the
// pattern says (?i)), unanchored, '.' without line ends. The only file that names the library. Immutable; any thread.
#pragma once

#include <array>
#include <cstddef>
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
  // The match and its groups: \0 to \9 of a replacement. A group that took no part is null.
  static constexpr std::size_t kGroupsMax = 10;
  using Groups = std::array<std::string_view, kGroupsMax>;
  // Finds the first match in `text`, which `groups` then point into; false when there is none.
  bool find(std::string_view text, Groups& groups) const;
  // An error when `replacement` names a group that the expression does not have, or has a backslash before anything but
  // a digit or a backslash; it says what to write.
  base::Result<void> check_replacement(std::string_view replacement) const;

 private:
  explicit Regex(std::unique_ptr<re2::RE2> expression);

  std::unique_ptr<re2::RE2> expression_;  // RE2 itself cannot move
};

}  // namespace viaduct::route

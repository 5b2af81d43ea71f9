// SPDX-License-Identifier: Apache-2.0
// rewrite.regex: an expression that is matched on the decoded path, as everything in the config is, while what it does
// not name goes on as it was received: groups and what stands around the match keep their spelling. The replacement is
// a decoded path, too, and behind its first '?' a query. Immutable; shared by all workers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/error.h"
#include "config/types.h"
#include "route/regex.h"

namespace viaduct::filter {

// How the text of a path is to be understood.
enum class Spelling : std::uint8_t {
  kReceived,  // with escapes; %2F does not part segments
  kDecoded,   // every byte stands for itself
};

// What a rewrite makes of a path, spelled as the path was.
struct Rewritten {
  std::string_view path;
  std::string_view query;  // what the replacement adds in front of the query that was received; without '?'
  // A match or a group begins or ends within "%2F", which is three characters to the expression: `path` is of no use.
  bool splits_escape = false;
};

class RewriteRegex {
 public:
  // Fails when the pattern or its replacement is malformed; the error says how.
  static base::Result<RewriteRegex> make(const config::ReplaceRegex& config);

  // Replaces the first match, in `arena`; `path` itself where there is none. Bytes that are no UTF-8 are U+FFFD to the
  // expression.
  Rewritten rewrite(std::string_view path, Spelling spelling, base::Arena& arena) const;

 private:
  // A literal text, then a group.
  struct Piece {
    std::string received;   // the literal, percent-encoded
    std::string decoded;    // the literal
    int group = -1;         // none
    bool in_query = false;  // behind the replacement's '?'
  };

  RewriteRegex(route::Regex regex, std::string_view replacement);

  route::Regex regex_;
  std::vector<Piece> pieces_;
};

}  // namespace viaduct::filter

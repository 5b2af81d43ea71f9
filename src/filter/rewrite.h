// SPDX-License-Identifier: Apache-2.0
// Changes the path of a request before its action sees it: strip_prefix, prefix or regex. All are about the decoded
// path; the query and every byte of the path that is not named stay as received. Where servers could read a path in
// several ways, it goes on only if rewriting what each of them would read gives what each of them will read: else a dot
// segment behind the prefix leads out of what the config has put in its place. Stateless; shared by all workers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/error.h"
#include "config/types.h"
#include "exchange/filter.h"
#include "filter/rewrite_regex.h"

namespace viaduct::filter {

class Rewrite final : public exchange::Filter {
 public:
  // Fails when a pattern or its replacement is malformed; the error says how.
  static base::Result<std::unique_ptr<Rewrite>> make(const config::Rewrite& config);
  exchange::FilterVerdict on_request(exchange::Exchange& exchange) const override;
  void on_response(exchange::Exchange&, http::ResponseHead&) const override {}

  // The target with its path rewritten, in `arena`; `target` itself where nothing matches. REQUIRES: its path is valid.
  std::string_view rewrite(std::string_view target, base::Arena& arena) const;
  // Whether rewrite() of `target`, whose path is ambiguous, means the same for all servers. What it needs meanwhile is
  // from `chunks`.
  bool is_clear(std::string_view target, base::ChunkPool& chunks) const;

 private:
  class Comparison;

  Rewritten rewrite_path(std::string_view path, Spelling spelling, base::Arena& arena) const;

  std::string from_;         // the prefix to replace, decoded; empty with a regex
  std::string to_;           // what takes its place, decoded
  std::string to_received_;  // the same, percent-encoded
  std::optional<RewriteRegex> regex_;
};

}  // namespace viaduct::filter

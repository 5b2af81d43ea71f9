// SPDX-License-Identifier: Apache-2.0
// The action that serves files below a root: index files, a fallback page for single-page applications, precompressed
// variants, conditions and ranges (RFC 9110 §13, §14). Opens nothing outside its root, whatever a path says. Immutable;
// shared by all workers. action/static_run.h carries one exchange.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/types.h"
#include "exchange/action.h"
#include "os/file.h"

namespace viaduct::action {

class StaticFile final : public exchange::Action {
 public:
  // Opens the root. `rewrite` maps the path to one below the root; a regex cannot. The error says what is wrong.
  static base::Result<std::unique_ptr<StaticFile>> make(const config::StaticAction& config,
                                                        const std::optional<config::Rewrite>& rewrite);
  base::ArenaPtr<exchange::ActionRun> begin(exchange::Exchange& exchange) const override;

  const config::StaticAction& config() const { return config_; }
  // As it was when the config was loaded; os/file_cache knows what stands there now.
  const os::RootDirectory& root() const { return root_; }
  // The value of Cache-Control for a real file; empty where the config sets none.
  std::string_view cache_control() const { return cache_control_; }
  // Where a decoded request path is looked up: relative to the root, without its first slash; in `arena`.
  std::string_view locate(std::string_view decoded_path, base::Arena& arena) const;

  // For make() alone.
  StaticFile(config::StaticAction config, os::RootDirectory root, std::string from, std::string to);

 private:
  config::StaticAction config_;
  os::RootDirectory root_;
  std::string from_;  // a prefix of the decoded path, and what takes its place; empty: none
  std::string to_;
  std::string cache_control_;
};

// Whether a path has a segment that begins with a dot, ".well-known" (RFC 8615) apart.
bool has_hidden_segment(std::string_view path);

}  // namespace viaduct::action

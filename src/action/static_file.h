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
#include "http/reason.h"
#include "os/file.h"
#include "route/router.h"

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
  // Whether a client that accepts HTML gets the fallback page where there is no file: never for what looks like a file,
  // or belongs to an upstream. `decision` is of `router`, and for this route.
  bool may_fall_back(const route::Decision& decision, const route::Router& router) const;
  // Why a GET would find nothing at this moment: static_not_found or static_forbidden; kNone where there is a file, and
  // where the disk alone does not tell (a fallback page, a directory that we may not read). Opens files, so that it is
  // for commands and not for workers. REQUIRES: judge_file_request() has nothing against the request.
  http::Reason look(const route::Decision& decision, const route::Router& router, base::Arena& arena) const;

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
// Why a route for files refuses a request without looking for one: method_not_allowed or path_invalid; else kNone.
// REQUIRES: decision.is_routed().
http::Reason judge_file_request(http::Method method, const route::Decision& decision);
// Whether that number of an error of os::RootDirectory says that there is no such file.
bool is_missing_file(int error_number);
// The path of an index file in a directory, both below a root.
std::string_view index_path(std::string_view directory, std::string_view name, base::Arena& arena);

}  // namespace viaduct::action

// SPDX-License-Identifier: Apache-2.0
#include "action/static_file.h"

#include <algorithm>
#include <cerrno>

#include "action/static_run.h"
#include "base/format.h"

namespace viaduct::action {
namespace {

std::string cache_control_of(const config::StaticAction& config) {
  if (!config.expires) return config.immutable ? "immutable" : "";
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*config.expires).count();
  return base::format("max-age={}{}", seconds, config.immutable ? ", immutable" : "");
}

}  // namespace

base::Result<std::unique_ptr<StaticFile>> StaticFile::make(const config::StaticAction& config,
                                                           const std::optional<config::Rewrite>& rewrite) {
  auto root = os::RootDirectory::open(config.root);
  if (!root) return std::unexpected(std::move(root).error());
  std::string from = config.strip_prefix;
  std::string to;
  if (rewrite) {
    if (const auto* strip = std::get_if<config::StripPrefix>(&*rewrite)) {
      from = strip->prefix;
    } else if (const auto* replace = std::get_if<config::ReplacePrefix>(&*rewrite)) {
      from = replace->from;
      to = replace->to;
    } else {
      return base::fail("rewrite.regex does not work with static; use strip_prefix or prefix");
    }
  }
  return std::make_unique<StaticFile>(config, std::move(*root), std::move(from), std::move(to));
}

StaticFile::StaticFile(config::StaticAction config, os::RootDirectory root, std::string from, std::string to)
    : config_(std::move(config)),
      root_(std::move(root)),
      from_(std::move(from)),
      to_(std::move(to)),
      cache_control_(cache_control_of(config_)) {}

std::string_view StaticFile::locate(std::string_view decoded_path, base::Arena& arena) const {
  std::string_view path = decoded_path;
  if (!from_.empty() && path.starts_with(from_)) {
    const std::string_view rest = path.substr(from_.size());
    const bool at_segment_end = rest.empty() || rest.starts_with('/') || from_.ends_with('/');
    const bool needs_slash = !to_.empty() && !to_.ends_with('/') && !rest.empty() && !rest.starts_with('/');
    if (at_segment_end) path = arena.append(arena.append(arena.copy(to_), needs_slash ? "/" : ""), rest);
  }
  while (path.starts_with('/')) path.remove_prefix(1);
  return path;
}

bool StaticFile::may_fall_back(const route::Decision& decision, const route::Router& router) const {
  const std::string_view path = decision.decoded_path;
  const std::string_view last_segment = path.substr(path.rfind('/') + 1);
  return !config_.fallback.empty() && last_segment.find('.') == std::string_view::npos &&
         !router.path_has_upstream_route(decision);
}

http::Reason StaticFile::look(const route::Decision& decision, const route::Router& router, base::Arena& arena) const {
  const std::string_view path = locate(decision.decoded_path, arena);
  if (has_hidden_segment(path)) return http::Reason::kStaticNotFound;
  const auto found = root_.open_file(path);
  if (!found && !is_missing_file(found.error())) return http::Reason::kNone;
  const bool needs_index = found && found->is_directory && decision.decoded_path.ends_with('/');
  if (found && !needs_index) return http::Reason::kNone;
  const auto is_file = [&](const std::string& name) {
    const auto file = root_.open_file(index_path(path, name, arena));
    return file && !file->is_directory;
  };
  if (needs_index && std::ranges::any_of(config_.index, is_file)) return http::Reason::kNone;
  if (may_fall_back(decision, router)) return http::Reason::kNone;
  return needs_index ? http::Reason::kStaticForbidden : http::Reason::kStaticNotFound;
}

base::ArenaPtr<exchange::ActionRun> StaticFile::begin(exchange::Exchange& exchange) const {
  return exchange.arena().make_owned<StaticRun>(exchange, *this);
}

bool has_hidden_segment(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, slash);
    if (segment.starts_with('.') && segment != ".well-known") return true;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return false;
}

http::Reason judge_file_request(http::Method method, const route::Decision& decision) {
  if (method != http::Method::kGet && method != http::Method::kHead) return http::Reason::kMethodNotAllowed;
  const bool is_of_no_file = decision.has_control || !decision.is_utf8;
  return is_of_no_file ? http::Reason::kPathInvalid : http::Reason::kNone;
}

bool is_missing_file(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR || error_number == ENAMETOOLONG;
}

std::string_view index_path(std::string_view directory, std::string_view name, base::Arena& arena) {
  const std::string_view slash = directory.empty() || directory.ends_with('/') ? "" : "/";
  return arena.append(arena.append(arena.copy(directory), slash), name);
}

}  // namespace viaduct::action

// SPDX-License-Identifier: Apache-2.0
#include "action/static_file.h"

#include <algorithm>

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

}  // namespace viaduct::action

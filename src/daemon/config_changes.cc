// SPDX-License-Identifier: Apache-2.0
#include "daemon/config_changes.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <ranges>
#include <unordered_map>

#include "base/format.h"

namespace viaduct::daemon {
namespace {

using Lines = std::vector<std::string>;

// The elements of a list by what `name_of` says, the first of each name: there may be thousands.
template <typename T, typename NameOf>
std::unordered_map<std::string, const T*> by_name(const std::vector<T>& list, const NameOf& name_of) {
  std::unordered_map<std::string, const T*> found;
  for (const T& one : list) found.emplace(name_of(one), &one);
  return found;
}

// Says which elements of two lists came, went or differ. `name_of` tells them apart, `is_same` compares two of a name.
template <typename T, typename NameOf, typename IsSame>
Lines compare(std::string_view kind, const std::vector<T>& before, const std::vector<T>& after, const NameOf& name_of,
              IsSame is_same) {
  Lines lines;
  const auto olds = by_name(before, name_of);
  for (const T& one : after) {
    const std::string& name = name_of(one);
    const auto old = olds.find(name);
    if (old == olds.end()) {
      lines.push_back(base::format("{} added: {}", kind, name));
    } else if (!is_same(*old->second, one)) {
      lines.push_back(base::format("{} changed: {}", kind, name));
    }
  }
  const auto news = by_name(after, name_of);
  for (const T& one : before) {
    const std::string& name = name_of(one);
    if (!news.contains(name)) lines.push_back(base::format("{} removed: {}", kind, name));
  }
  return lines;
}

void append(Lines& lines, Lines more) {
  std::ranges::move(more, std::back_inserter(lines));
}

std::string site_name(const config::Site& site) {
  return site.hosts.empty() ? "default" : site.hosts.front();
}

bool is_same_but_routes(config::Site left, config::Site right) {
  left.routes.clear();
  right.routes.clear();
  return left == right;
}

Lines compare_routes(const config::Site& before, const config::Site& after) {
  const auto name_of = [site = site_name(after)](const config::Route& route) {
    return base::format("{}/{}", site, route.name);
  };
  return compare("route", before.routes, after.routes, name_of, std::equal_to<>());
}

// The names of routes of `site` that `other` has too, in their order: the first route that fits a request takes it.
std::vector<std::string_view> common_routes(const config::Site& site, const config::Site& other) {
  const auto others = by_name(other.routes, std::mem_fn(&config::Route::name));
  std::vector<std::string_view> names;
  for (const config::Route& route : site.routes) {
    if (others.contains(route.name)) names.push_back(route.name);
  }
  return names;
}

Lines compare_sites(const config::Config& before, const config::Config& after) {
  Lines lines = compare("site", before.sites, after.sites, site_name, is_same_but_routes);
  const auto olds = by_name(before.sites, site_name);
  for (const config::Site& site : after.sites) {
    const auto old = olds.find(site_name(site));
    // The routes of a site that is new or gone came and went with it.
    if (old == olds.end()) continue;
    append(lines, compare_routes(*old->second, site));
    if (common_routes(*old->second, site) != common_routes(site, *old->second)) {
      lines.push_back(base::format("order of routes changed: {}", site_name(site)));
    }
  }
  return lines;
}

std::string workers_text(const std::optional<std::uint32_t>& workers) {
  return workers ? base::format("{}", *workers) : "auto";
}

std::string_view flag_text(bool flag) {
  return flag ? "true" : "false";
}

}  // namespace

Lines describe_changes(const config::Config& before, const config::Config& after) {
  Lines lines = compare_sites(before, after);
  append(lines, compare("upstream", before.upstreams, after.upstreams, std::mem_fn(&config::Upstream::name),
                        std::equal_to<>()));
  if (before.tls != after.tls) lines.emplace_back("tls changed");
  if (before.client != after.client) lines.emplace_back("client changed");
  if (before.resolver != after.resolver) lines.emplace_back("resolver changed");
  if (before.errors != after.errors) lines.emplace_back("errors changed");
  if (before.access_log != after.access_log) lines.emplace_back("logs.access changed");
  if (before.error_log != after.error_log) lines.emplace_back("logs.error changed");
  if (before.process.drain != after.process.drain) lines.emplace_back("process.drain changed");
  if (before.process.memory != after.process.memory) lines.emplace_back("process.memory changed");
  if (before.process.state_dir != after.process.state_dir) lines.emplace_back("process.state_dir changed");
  return lines;
}

Lines describe_pending(const config::Config& started, const config::Config& after) {
  Lines lines;
  const auto compare_texts = [&lines](std::string_view key, std::string_view is, std::string_view wanted) {
    if (is == wanted) return;
    lines.push_back(base::format("needs a restart: {} is {}, will be {}", key, is.empty() ? "none" : is,
                                 wanted.empty() ? "none" : wanted));
  };
  compare_texts("process.workers", workers_text(started.process.workers), workers_text(after.process.workers));
  compare_texts("process.user", started.process.user, after.process.user);
  compare_texts("process.seccomp", flag_text(started.process.seccomp), flag_text(after.process.seccomp));
  compare_texts("process.core_dumps", flag_text(started.process.core_dumps), flag_text(after.process.core_dumps));
  compare_texts("admin.socket", started.admin.socket, after.admin.socket);
  const auto text_of = [](const config::Config& config) {
    return config.admin.health ? config.admin.health->to_string() : std::string();
  };
  compare_texts("admin.health", text_of(started), text_of(after));
  return lines;
}

Lines describe_certificate_changes(const tls::CertStore* before, const tls::CertStore* after) {
  const auto facts = [](const tls::CertStore* store) {
    if (store == nullptr) return std::vector<tls::CertFacts>();
    return std::vector<tls::CertFacts>(store->certificates().begin(), store->certificates().end());
  };
  const auto is_same = [](const tls::CertFacts& left, const tls::CertFacts& right) {
    return left.names == right.names && left.key == right.key && left.not_before == right.not_before &&
           left.not_after == right.not_after;
  };
  return compare("certificate", facts(before), facts(after), std::mem_fn(&tls::CertFacts::file), is_same);
}

std::string render_changes(const Lines& lines) {
  if (lines.empty()) return "ok\nnothing has changed";
  std::string text = "ok";
  for (const std::string& line : lines | std::views::take(kChangeLinesMax)) text.append("\n").append(line);
  if (lines.size() > kChangeLinesMax) text += base::format("\nand {} more", lines.size() - kChangeLinesMax);
  return text;
}

}  // namespace viaduct::daemon

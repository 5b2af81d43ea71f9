// SPDX-License-Identifier: Apache-2.0
#include "route/route_check.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/format.h"
#include "base/uri.h"
#include "route/conditions.h"
#include "route/deny_tree.h"
#include "route/path_table.h"
#include "route/regex.h"

namespace viaduct::route {
namespace {

using config::Problem;

// A path of a route.
struct Pattern {
  PathKind kind = PathKind::kExact;
  std::string_view text;
  std::size_t route = 0;  // its number in the site

  bool operator==(const Pattern&) const = default;
};

// The text that every match of `pattern` begins with ("^/api/" or "^/api/.*") or holds ("/api/"), where that is all
// that the expression asks for.
struct Literal {
  std::string_view text;
  bool is_anchored = false;
};

std::optional<Literal> literal_of(std::string_view pattern) {
  Literal literal{.text = pattern};
  literal.is_anchored = pattern.starts_with('^');
  if (literal.is_anchored) literal.text.remove_prefix(1);
  if (literal.text.ends_with(".*$")) literal.text.remove_suffix(3);
  if (literal.text.ends_with(".*")) literal.text.remove_suffix(2);
  if (literal.text.find_first_of("\\^$.|?*+()[]{}") != std::string_view::npos) return std::nullopt;
  return literal;
}

// What is wrong with a decoded path of the config: a request that holds it is ambiguous, so that it never wins.
std::string_view fault_of_path(std::string_view path) {
  if (!path.starts_with('/')) return "does not start with /; write it from the root";
  if (path.find('\\') != std::string_view::npos) return "holds a backslash, which some servers take for /; remove it";
  if (std::ranges::any_of(path, [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; })) {
    return "holds a control character; remove it";
  }
  for (std::size_t at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
    const bool is_escape =
        path.size() - at >= 3 && base::hex_value(path[at + 1]) >= 0 && base::hex_value(path[at + 2]) >= 0;
    if (is_escape) return "holds an escape, but paths are compared decoded; write the character itself";
  }
  std::string resolved(path);
  resolved.resize(base::remove_dot_segments(base::merge_slashes(resolved)).size());
  return resolved == path ? std::string_view() : "holds an empty or a dot segment; write it without";
}

// The checks of one site.
class SiteCheck {
 public:
  SiteCheck(const config::Site& site, std::size_t number, std::vector<Problem>& problems)
      : site_(site), number_(number), problems_(problems) {
    for (const config::Route& route : site.routes) conditions_.emplace_back(route.match);
    for (std::size_t route = 0; route < site.routes.size(); ++route) collect(route);
  }

  void run() {
    for (std::size_t entry = 0; entry < site_.deny.size(); ++entry) check_deny(entry);
    for (const Pattern& pattern : patterns_) {
      if (pattern.kind == PathKind::kRegex) {
        check_regex(pattern);
      } else {
        check_path(pattern);
      }
    }
    std::map<std::pair<PathKind, std::string_view>, std::vector<Pattern>> same;
    for (const Pattern& pattern : patterns_) {
      std::vector<Pattern>& group = same[{pattern.kind, pattern.text}];
      for (const Pattern& earlier : group) check_pair(earlier, pattern);
      group.push_back(pattern);
    }
  }

 private:
  static constexpr std::string_view kEverything = "/";

  void collect(std::size_t route) {
    const config::Match& match = site_.routes[route].match;
    const auto add = [&](PathKind kind, std::string_view text) {
      const Pattern pattern{.kind = kind, .text = text, .route = route};
      if (std::ranges::find(patterns_.begin() + first_of_route_, patterns_.end(), pattern) == patterns_.end()) {
        patterns_.push_back(pattern);
      }
    };
    first_of_route_ = static_cast<std::ptrdiff_t>(patterns_.size());
    for (const std::string& path : match.exact) add(PathKind::kExact, path);
    for (const std::string& pattern : match.regex) add(PathKind::kRegex, pattern);
    for (const std::string& path : match.prefix) add(PathKind::kPrefix, path);
    if (match.exact.empty() && match.regex.empty() && match.prefix.empty()) add(PathKind::kPrefix, kEverything);
    for (const std::string& pattern : match.regex) {
      const std::optional<Literal> literal = literal_of(pattern);
      if (literal) literals_.emplace_back(*literal, route);
    }
  }

  void check_deny(std::size_t entry) {
    const std::string& path = site_.deny[entry];
    const std::string_view fault = fault_of_path(path);
    if (fault.empty()) return;
    problems_.push_back({.place = site_.place,
                         .key = base::format("sites[{}].deny[{}]", number_, entry),
                         .message = base::format("path `{}` {}", path, fault)});
  }

  void check_path(const Pattern& pattern) {
    const std::string_view fault = fault_of_path(pattern.text);
    if (!fault.empty()) return report(pattern, base::format("path `{}` {}", pattern.text, fault));
    for (const std::string& entry : site_.deny) {
      if (!DenyTree(std::span(&entry, 1)).covers(pattern.text)) continue;
      return report(pattern,
                    base::format("`{}` can never be reached: `deny` of its site holds `{}`; remove one of them",
                                 pattern.text, entry));
    }
    if (pattern.kind != PathKind::kPrefix) return;
    for (const auto& [literal, route] : literals_) {
      const bool covers = literal.is_anchored ? pattern.text.starts_with(literal.text)
                                              : pattern.text.find(literal.text) != std::string_view::npos;
      if (!covers || route == pattern.route || !conditions_[route].is_implied_by(conditions_[pattern.route])) continue;
      return report(pattern, base::format("`{}` can never be reached: a regex of {} takes every path below it, and a "
                                          "regex beats a prefix; narrow the regex, or remove this route",
                                          pattern.text, name_of(route)));
    }
  }

  void check_regex(const Pattern& pattern) {
    const base::Result<Regex> regex = Regex::compile(std::string(pattern.text));
    if (regex) return;
    report(pattern,
           base::format("regex `{}` is not valid: {}; see RE2's syntax, https://github.com/google/re2/wiki/Syntax",
                        pattern.text, regex.error().message));
  }

  // Two routes with one and the same path, in the order of the file.
  void check_pair(const Pattern& earlier, const Pattern& later) {
    const Conditions& first = conditions_[earlier.route];
    const Conditions& second = conditions_[later.route];
    if (first.excludes(second)) return;
    if (later.kind == PathKind::kRegex) {
      if (first.is_implied_by(second)) {
        report(later, base::format("regex `{}` can never win: {} has the same one before it; remove one of them",
                                   later.text, name_of(earlier.route)));
      }
      return;
    }
    if (first.count() == second.count()) {
      report(later,
             base::format("`{}` is taken by {} as well, and nothing says which of the two wins; let their methods, "
                          "headers or query exclude each other, or remove one",
                          later.text, name_of(earlier.route)));
      return;
    }
    // The one with more conditions is tried first.
    const bool first_wins = first.count() > second.count();
    const Pattern& winner = first_wins ? earlier : later;
    const Pattern& loser = first_wins ? later : earlier;
    const bool loses_callback = site_.routes[loser.route].callback != config::CallbackProvider::kNone &&
                                site_.routes[winner.route].callback == config::CallbackProvider::kNone;
    if (!loses_callback) return;
    report(winner, base::format("`{}` takes requests of the callback {}; let its conditions exclude them", winner.text,
                                name_of(loser.route)));
  }

  // "route NAME (FILE:LINE)".
  std::string name_of(std::size_t number) const {
    const config::Route& route = site_.routes[number];
    return base::format("route {} ({}:{})", route.name, route.place.file, route.place.line);
  }

  void report(const Pattern& pattern, std::string message) {
    const config::Route& route = site_.routes[pattern.route];
    problems_.push_back(
        {.place = route.place,
         .key = base::format("sites[{}].routes[{}].match.{}", number_, pattern.route, path_kind_name(pattern.kind)),
         .message = std::move(message)});
  }

  const config::Site& site_;
  std::size_t number_;
  std::vector<Problem>& problems_;
  std::vector<Conditions> conditions_;                     // by route
  std::vector<Pattern> patterns_;                          // in the order of the file
  std::ptrdiff_t first_of_route_ = 0;                      // where the route that is collected begins
  std::vector<std::pair<Literal, std::size_t>> literals_;  // regexes that are one, with their routes
};

}  // namespace

std::vector<Problem> check_routes(const config::Config& config) {
  std::vector<Problem> problems;
  for (std::size_t number = 0; number < config.sites.size(); ++number) {
    SiteCheck(config.sites[number], number, problems).run();
  }
  return problems;
}

}  // namespace viaduct::route

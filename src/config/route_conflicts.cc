// SPDX-License-Identifier: Apache-2.0
#include "config/route_conflicts.h"

#include <algorithm>
#include <map>
#include <optional>
#include <span>

#include "base/format.h"
#include "config/inherited.h"
#include "config/match_rules.h"

namespace viaduct::config {

namespace {

enum class PathKind : std::uint8_t { kExact, kRegex, kPrefix };

// One path of one route.
struct PathRule {
  PathKind kind = PathKind::kExact;
  std::string text;
  std::size_t route = 0;
  std::string key;  // "sites[0].routes[1].match.exact[0]"
};

// The text that a path must begin with or hold for a regex to be found in it, where that is all that the regex asks
// for.
struct Literal {
  std::string_view text;
  bool is_anchored = false;
};

std::optional<Literal> literal_of(std::string_view regex) {
  Literal literal{.text = regex, .is_anchored = regex.starts_with('^')};
  if (literal.is_anchored) literal.text.remove_prefix(1);
  if (literal.text.starts_with(".*")) {
    literal.is_anchored = false;
    literal.text.remove_prefix(2);
  }
  if (literal.text.ends_with(".*$")) literal.text.remove_suffix(3);
  if (literal.text.ends_with(".*")) literal.text.remove_suffix(2);
  if (literal.text.find_first_of(R"(.\[]{}()*+?|^$)") != std::string_view::npos) return std::nullopt;
  return literal;
}

// True when the regex `text` is certainly found in `path` and in all that begins with it.
bool is_found_below(std::string_view text, std::string_view path) {
  const auto literal = literal_of(text);
  if (!literal) return false;
  return literal->is_anchored ? path.starts_with(literal->text) : path.contains(literal->text);
}

// What every path must begin with that the regex is found in; empty where that is not certain.
std::string_view certain_start(std::string_view regex) {
  if (!regex.starts_with('^') || regex.contains('|')) return {};
  regex.remove_prefix(1);
  const std::size_t end = regex.find_first_of(R"(.\[]{}()*+?$^)");
  if (end == std::string_view::npos) return regex;
  // The byte before one of these may be missing.
  const bool is_last_optional = end > 0 && std::string_view("?*{").contains(regex[end]);
  return regex.substr(0, is_last_optional ? end - 1 : end);
}

// Whether paths may begin with both.
bool may_share_paths(std::string_view left, std::string_view right) {
  return left.starts_with(right) || right.starts_with(left);
}

// The path that a regex like ^/exact/path$ stands for.
std::optional<std::string> literal_path(std::string_view regex) {
  if (!regex.starts_with("^/") || !regex.ends_with('$')) return std::nullopt;
  const std::string_view path = regex.substr(1, regex.size() - 2);
  if (path.find_first_of(R"(.\[]{}()*+?|^$)") != std::string_view::npos) return std::nullopt;
  return std::string(path);
}

// The paths of one site's routes, in the order of the file, and by their texts: a site may have tens of thousands.
class SiteRoutes {
 public:
  SiteRoutes(const SiteDraft& site, std::size_t site_index, Reading& reading)
      : site_(site), site_index_(site_index), reading_(reading) {}

  void check() {
    collect();
    check_same_paths();
    check_reachable();
    check_deny();
    check_callbacks();
  }

 private:
  RoutePosition position(std::size_t route) const { return {.site = site_index_, .route = route}; }
  const Match& match(std::size_t route) const { return site_.drafts[route].match; }
  bool is_callback(std::size_t route) const { return site_.drafts[route].callback != CallbackProvider::kNone; }

  // `route "api" (line 12)`, seen from `place`.
  std::string show(const PathRule& rule, const Place& seen_from) const {
    return base::format("route \"{}\" ({})", site_.drafts[rule.route].name,
                        show_place(reading_.places().nearest(rule.key), seen_from));
  }
  std::string show(const PathRule& rule, const PathRule& seen_from) const {
    return show(rule, reading_.places().nearest(seen_from.key));
  }

  void collect() {
    for (std::size_t i = 0; i < site_.drafts.size(); ++i) {
      add_paths(PathKind::kExact, match(i).exact, i, "exact");
      add_paths(PathKind::kRegex, match(i).regex, i, "regex");
      add_paths(PathKind::kPrefix, match(i).prefix, i, "prefix");
    }
    for (const PathRule& rule : rules_) {
      by_text_[{rule.kind, rule.text}].push_back(&rule);
      if (rule.kind == PathKind::kRegex) regexes_.push_back(&rule);
    }
  }

  void add_paths(PathKind kind, const std::vector<std::string>& paths, std::size_t route, const std::string& key) {
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (paths[i].empty()) continue;  // it was refused when it was read
      const std::string list = base::format("{}.match.{}", position(route).path(), key);
      const std::string item = base::format("{}[{}]", list, i);
      rules_.push_back(
          {.kind = kind, .text = paths[i], .route = route, .key = reading_.places().has(item) ? item : list});
    }
  }

  // Rules of that kind with that text, in the order of the file.
  std::span<const PathRule* const> same(PathKind kind, std::string_view text) const {
    const auto found = by_text_.find({kind, text});
    return found == by_text_.end() ? std::span<const PathRule* const>() : found->second;
  }

  std::span<const PathRule> rules_of(std::size_t route) const {
    return std::ranges::equal_range(rules_, route, {}, &PathRule::route);
  }

  void check_same_paths() {
    for (const auto& [path, group] : by_text_) {
      for (std::size_t later = 1; later < group.size(); ++later) {
        for (std::size_t earlier = 0; earlier < later; ++earlier) check_pair(*group[earlier], *group[later]);
      }
    }
  }

  void check_pair(const PathRule& earlier, const PathRule& later) {
    if (earlier.route == later.route) {
      return reading_.error_at(later.key,
                               base::format("{} stands twice in this route; delete one of them", later.text));
    }
    const Match& first = match(earlier.route);
    const Match& second = match(later.route);
    if (!conditions_overlap(first, second)) return;
    if (later.kind == PathKind::kRegex) return;  // the order of the file decides
    const int difference = condition_count(first) - condition_count(second);
    if (difference == 0) return report_conflict(earlier, later);
    if (difference > 0) check_taken(earlier, later);
    if (difference < 0) check_taken(later, earlier);
  }

  void report_conflict(const PathRule& earlier, const PathRule& later) {
    reading_.error_at(
        later.key,
        base::format(
            "this route and {} could both take a request for {}; add a condition to one of them (methods, headers "
            "or query), or delete one",
            show(earlier, later), later.text));
  }

  // `first` is tried before `second`, on the same path.
  void check_taken(const PathRule& first, const PathRule& second) {
    if (!is_callback(second.route) || is_callback(first.route)) return;
    if (!takes_callback_requests(match(first.route), match(second.route))) return;
    reading_.error_at(first.key,
                      base::format("this route has more conditions and takes requests of the callback {}; give it "
                                   "methods that the callback does not take, or another path",
                                   show(second, first)));
  }

  // Why no request reaches `rule`, or nothing. Only what is certain without knowing regular expressions.
  const PathRule* shadow_of(const PathRule& rule) const {
    switch (rule.kind) {
      case PathKind::kExact: return nullptr;
      case PathKind::kRegex: return shadow_of_regex(rule);
      case PathKind::kPrefix: return shadow_of_prefix(rule);
    }
    return nullptr;
  }

  const PathRule* shadow_of_regex(const PathRule& rule) const {
    for (const PathRule* other : regexes_) {
      if (other == &rule) break;
      const bool takes_all =
          is_found_below(other->text, "/") || (other->text == rule.text && other->route != rule.route);
      if (takes_all && is_implied(*other, rule)) return other;
    }
    const auto path = literal_path(rule.text);
    return path ? implied_among(same(PathKind::kExact, *path), rule) : nullptr;
  }

  const PathRule* shadow_of_prefix(const PathRule& rule) const {
    for (const PathRule* other : regexes_) {
      if (is_found_below(other->text, rule.text) && is_implied(*other, rule)) return other;
    }
    // "/api" takes "/api" and all below "/api/"; it is needless where both have routes of their own.
    if (implied_among(same(PathKind::kExact, rule.text), rule) == nullptr) return nullptr;
    return implied_among(same(PathKind::kPrefix, rule.text + "/"), rule);
  }

  // Whether what meets the conditions of `rule` meets those of `other`.
  bool is_implied(const PathRule& other, const PathRule& rule) const {
    return conditions_imply(match(rule.route), match(other.route));
  }

  const PathRule* implied_among(std::span<const PathRule* const> others, const PathRule& rule) const {
    const auto found = std::ranges::find_if(others, [&](const PathRule* other) { return is_implied(*other, rule); });
    return found == others.end() ? nullptr : *found;
  }

  void check_reachable() {
    for (std::size_t route = 0; route < site_.drafts.size(); ++route) {
      std::vector<std::pair<const PathRule*, const PathRule*>> hidden;
      const std::size_t paths = rules_of(route).size();
      for (const PathRule& rule : rules_of(route)) {
        if (const PathRule* shadow = shadow_of(rule)) hidden.emplace_back(&rule, shadow);
      }
      for (const auto& [rule, shadow] : hidden) report_hidden(*rule, *shadow, hidden.size() == paths);
    }
  }

  void report_hidden(const PathRule& rule, const PathRule& shadow, bool is_whole_route) {
    if (!is_whole_route) {
      return reading_.warn_at(
          rule.key, base::format("{} is never reached, since {} takes its requests first; delete it", rule.text,
                                 show(shadow, rule)));
    }
    reading_.error_at(rule.key,
                      base::format("the route can never be reached, since {} takes its requests first; delete one, "
                                   "or add conditions to the other",
                                   show(shadow, rule)));
  }

  const std::string* denied_by(const PathRule& rule) const {
    if (rule.kind == PathKind::kRegex) return nullptr;
    const auto found = std::ranges::find_if(
        site_.deny, [&rule](const std::string& deny) { return !deny.empty() && deny_covers(deny, rule.text); });
    return found == site_.deny.end() ? nullptr : &*found;
  }

  void check_deny() {
    for (std::size_t route = 0; route < site_.drafts.size(); ++route) {
      const std::size_t paths = rules_of(route).size();
      std::vector<const PathRule*> denied;
      for (const PathRule& rule : rules_of(route)) {
        if (denied_by(rule) != nullptr) denied.push_back(&rule);
      }
      for (const PathRule* rule : denied) report_denied(*rule, denied.size() == paths);
    }
  }

  void report_denied(const PathRule& rule, bool is_whole_route) {
    const std::string& deny = *denied_by(rule);
    if (is_callback(rule.route)) {
      reading_.error_at(
          rule.key, base::format("deny: {} refuses {}, which a platform calls; take it out of deny", deny, rule.text));
    } else if (is_whole_route) {
      reading_.error_at(
          rule.key,
          base::format("deny: {} refuses {}, so the route can never be reached; delete one of them", deny, rule.text));
    } else {
      reading_.warn_at(rule.key, base::format("deny: {} refuses {}; delete one of them", deny, rule.text));
    }
  }

  // A route inside a callback prefix, or a regex, may take what a platform sends. Exact paths inside a callback regex
  // are for daemon/build, which knows what a regex finds.
  void check_callbacks() {
    for (const PathRule& callback : rules_) {
      if (callback.kind == PathKind::kExact || !is_callback(callback.route)) continue;
      for (const PathRule& other : rules_) {
        if (is_callback(other.route) || !may_take_from(callback, other)) continue;
        reading_.error_at(other.key,
                          base::format("this route may take requests of the callback {}, whose paths are not exact; "
                                       "give this one methods that the callback does not take, or the callback exact "
                                       "paths",
                                       show(callback, other)));
      }
    }
  }

  bool may_take_from(const PathRule& callback, const PathRule& other) const {
    if (!takes_callback_requests(match(other.route), match(callback.route))) return false;
    if (callback.kind == PathKind::kRegex) {
      const bool is_before = other.kind == PathKind::kRegex && &other < &callback;
      return is_before && may_share_paths(certain_start(other.text), certain_start(callback.text));
    }
    if (other.kind == PathKind::kRegex) return may_share_paths(certain_start(other.text), callback.text);
    // Of two equal prefixes their conditions decide, which check_pair looks at.
    if (other.kind == PathKind::kPrefix && other.text == callback.text) return false;
    return prefix_takes(callback.text, other.text);
  }

  const SiteDraft& site_;
  std::size_t site_index_;
  Reading& reading_;
  std::vector<PathRule> rules_;  // those of a route in a row
  std::map<std::pair<PathKind, std::string_view>, std::vector<const PathRule*>> by_text_;
  std::vector<const PathRule*> regexes_;
};

}  // namespace

void check_route_conflicts(const SiteDraft& site, std::size_t site_index, Reading& reading) {
  SiteRoutes(site, site_index, reading).check();
}

}  // namespace viaduct::config

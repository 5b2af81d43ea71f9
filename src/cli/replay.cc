// SPDX-License-Identifier: Apache-2.0
#include "cli/replay.h"

#include <algorithm>
#include <array>
#include <istream>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "action/static_file.h"
#include "base/format.h"
#include "http/reason.h"
#include "route/router.h"

namespace viaduct::cli {
namespace {

using http::Reason;
using nlohmann::json;

// How much of a path or target is kept for a group.
constexpr std::size_t kShownTargetBytes = 512;
constexpr int kFirstRefusal = 400;

// What a replay can find again; every other reason lies in what no log holds.
constexpr std::array kRepeatable = {Reason::kHostUnknown,      Reason::kInvalidHost,       Reason::kPathInvalid,
                                    Reason::kPathDenied,       Reason::kNoRoute,           Reason::kPathAmbiguous,
                                    Reason::kMethodNotAllowed, Reason::kAddressNotAllowed, Reason::kStaticNotFound,
                                    Reason::kStaticForbidden};

std::string refusal_text(Reason reason) {
  return base::format("{} {}", http::reason_status(reason), http::reason_name(reason));
}

std::string action_text(const config::Route& route) {
  struct Visitor {
    std::string operator()(const config::ProxyAction& action) const { return "upstream " + action.upstream; }
    std::string operator()(const config::StaticAction& action) const { return "static " + action.root; }
    std::string operator()(const config::RedirectAction& action) const {
      return base::format("redirect {} {}", action.status, action.to);
    }
    std::string operator()(const config::RespondAction& action) const {
      return base::format("respond {}", action.status);
    }
  };
  return std::visit(Visitor{}, route.action);
}

bool is_conditional(const config::Route* route) {
  return route != nullptr && (!route->match.headers.empty() || !route->match.query.empty());
}

bool has_fallback(const config::Route* route) {
  const auto* files = route == nullptr ? nullptr : std::get_if<config::StaticAction>(&route->action);
  return files != nullptr && !files->fallback.empty();
}

// What a route of `snapshot` has against a request that the router has sent there.
Reason ask_route(const exchange::Snapshot& snapshot, const route::Decision& decision, const LoggedRequest& request,
                 base::Arena& arena) {
  const config::Route& route = *decision.route;
  if (route.allow && route.allow->mode == config::AllowMode::kEnforce) {
    const auto client = base::IpAddress::parse(request.client_ip);
    if (client && !route.allow->addresses.contains(*client)) return Reason::kAddressNotAllowed;
  }
  if (!std::holds_alternative<config::StaticAction>(route.action)) return Reason::kNone;
  const http::Method method = http::parse_method(request.method);
  // It may be a preflight, which no action sees.
  if (route.cors && method == http::Method::kOptions) return Reason::kNone;
  const Reason refusal = action::judge_file_request(method, decision);
  if (refusal != Reason::kNone) return refusal;
  // daemon/build has made it for this very config.
  const auto& files = static_cast<const action::StaticFile&>(*snapshot.plans[decision.route_index].action);
  return files.look(decision, *snapshot.router, arena);
}

// The route of that name, where the site has one still.
const config::Route* find_route(const config::Config& config, const LoggedRequest& request) {
  for (const config::Site& site : config.sites) {
    if ((site.hosts.empty() ? "" : site.hosts.front()) != request.site) continue;
    const auto route = std::ranges::find(site.routes, request.route, &config::Route::name);
    if (route != site.routes.end()) return &*route;
  }
  return nullptr;
}

// For a person: without control characters, and of a bounded length.
std::string shown(std::string_view text) {
  std::string kept(text.substr(0, kShownTargetBytes));
  if (kept.size() < text.size()) kept += "...";
  for (char& byte : kept) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code == 0x7f) byte = '?';
  }
  return kept;
}

std::string counted(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

// "1 request", "1,000 requests".
std::string counted(std::uint64_t number, std::string_view noun) {
  return base::format("{} {}{}", counted(number), noun, number == 1 ? "" : "s");
}

}  // namespace

void Replay::read(std::istream& log) {
  std::string line;
  std::array<char, 16 * 1024> bytes;
  bool is_too_long = false;
  while (log.read(bytes.data(), bytes.size()), log.gcount() > 0) {
    std::string_view rest(bytes.data(), static_cast<std::size_t>(log.gcount()));
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      // One byte more than is read tells that there are more.
      const std::size_t room = kLogLineBytesMax + 1 - line.size();
      is_too_long |= std::min(end, rest.size()) > room;
      line.append(rest.substr(0, std::min(end, room)));
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
      add(is_too_long ? std::string_view("too long") : std::string_view(line));
      line.clear();
      is_too_long = false;
    }
  }
  if (!line.empty()) add(line);
}

void Replay::add(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return;
  ++lines_;
  auto request = read_logged_request(line);
  if (!request) {
    ++unreadable_;
    return;
  }
  if (request->host.empty()) request->host = setup_.host;
  arena_.clear();
  Outcome after = decide(setup_.config, *request);
  refused_ += after.is_refused;
  without_route_ += after.is_refused && after.decision == refusal_text(Reason::kNoRoute);
  Outcome before;
  if (setup_.old != nullptr) {
    before = decide(*setup_.old, *request);
  } else if (!read_outcome(*request, before)) {
    ++not_compared_;
    return;
  }
  if (!is_change(*request, before, after)) return;
  const bool may_fall_back = before.lacks_file && has_fallback(after.route);
  if (setup_.old == nullptr && (is_conditional(before.route) || is_conditional(after.route) || may_fall_back)) {
    ++undecidable_;
    return;
  }
  const bool names_action = before.decision == after.decision;
  if (names_action) {
    before.decision += " (" + (before.action.empty() ? "upstream " + before.upstream : before.action) + ")";
    after.decision += " (" + after.action + ")";
  }
  count_change(*request, std::move(before.decision), std::move(after.decision));
}

Replay::Outcome Replay::decide(const exchange::Snapshot& snapshot, const LoggedRequest& request) {
  http::RequestHead head(arena_);
  head.method = http::parse_method(request.method);
  head.method_text = request.method;
  head.target = request.target;
  head.authority = request.host;
  if (request.host.empty()) {
    head.version = http::Version::kHttp10;
  } else {
    head.fields.add(http::FieldName::kHost, request.host);
  }
  const route::Decision decision = snapshot.router->decide(route::RequestView::of(head), arena_);
  Reason reason = decision.reason;
  if (reason == Reason::kNone) reason = ask_route(snapshot, decision, request, arena_);
  Outcome outcome;
  if (reason != Reason::kNone) {
    outcome.is_refused = true;
    outcome.decision = refusal_text(reason);
    return outcome;
  }
  outcome.route = decision.route;
  const std::string site = decision.site->hosts.empty() ? "" : decision.site->hosts.front();
  outcome.decision = site + "/" + decision.route->name;
  outcome.action = action_text(*decision.route);
  if (const auto* proxy = std::get_if<config::ProxyAction>(&decision.route->action)) outcome.upstream = proxy->upstream;
  return outcome;
}

bool Replay::read_outcome(const LoggedRequest& request, Outcome& outcome) const {
  if (!request.is_decided) {
    outcome.is_refused = request.status >= kFirstRefusal;
    outcome.decision = base::format("status {}", request.status);
    return !outcome.is_refused && request.status != 0;
  }
  // A preflight takes the route of the method that a field asks for.
  if (request.method == "OPTIONS") return false;
  const auto found = std::ranges::find(kRepeatable, request.reason, http::reason_name);
  if (found != kRepeatable.end()) {
    outcome.is_refused = true;
    outcome.lacks_file = *found == Reason::kStaticNotFound || *found == Reason::kStaticForbidden;
    outcome.decision = refusal_text(*found);
    return true;
  }
  outcome.decision = shown(request.site + "/" + request.route);
  outcome.upstream = shown(request.upstream);
  outcome.route = find_route(*setup_.config.config, request);
  return !request.route.empty();
}

bool Replay::is_change(const LoggedRequest& request, const Outcome& before, const Outcome& after) const {
  // Only what was served and now is refused can be told from a status.
  if (setup_.old == nullptr && !request.is_decided) return after.is_refused;
  if (before.decision != after.decision) return true;
  if (!before.action.empty()) return before.action != after.action;
  return !before.upstream.empty() && before.upstream != after.upstream;
}

void Replay::count_change(const LoggedRequest& request, std::string before, std::string after) {
  ++changes_;
  const std::string path = request.target.substr(0, request.target.find('?'));
  Key key(shown(request.method), shown(path), std::move(before), std::move(after));
  auto group = groups_.find(key);
  if (group == groups_.end()) {
    if (groups_.size() >= kGroupsMax) {
      // The words of a log may be as many as its lines.
      const bool has_room = groups_.size() < 2 * kGroupsMax;
      key = Key("*", "(other paths)", has_room ? std::get<2>(key) : "(other)", has_room ? std::get<3>(key) : "(other)");
    }
    group = groups_.try_emplace(std::move(key)).first;
    group->second.line = lines_;
    group->second.example = shown(request.host + request.target);
  }
  ++group->second.count;
}

std::vector<const Replay::Groups::value_type*> Replay::largest_groups() const {
  std::vector<const Groups::value_type*> largest;
  largest.reserve(groups_.size());
  for (const auto& entry : groups_) largest.push_back(&entry);
  std::ranges::stable_sort(largest, std::greater(), [](const auto* entry) { return entry->second.count; });
  return largest;
}

std::string Replay::text() const {
  const std::vector<const Groups::value_type*> largest = largest_groups();
  std::string text = base::format("{} of {} would change{}\n", counted(changes_), counted(requests(), "request"),
                                  largest.empty() ? "" : ":");
  for (std::size_t i = 0; i < std::min(largest.size(), kGroupsShown); ++i) {
    const auto& [method, path, before, after] = largest[i]->first;
    const Group& group = largest[i]->second;
    text += base::format("{:>9}  {} {}: {} -> {} (as in line {}: {})\n", counted(group.count), method, path, before,
                         after, group.line, group.example);
  }
  if (largest.size() > kGroupsShown) {
    const std::size_t left_out = largest.size() - kGroupsShown;
    text +=
        base::format("           and {} more kind{}; --json shows all\n", counted(left_out), left_out == 1 ? "" : "s");
  }
  text += base::format("{} {} no route in the new config, {} {} refused in all\n", counted(without_route_, "request"),
                       without_route_ == 1 ? "finds" : "find", counted(refused_), refused_ == 1 ? "is" : "are");
  if (undecidable_ > 0) {
    text += base::format(
        "{} may change: by conditions on headers or query, or a fallback page, which the log cannot tell\n",
        counted(undecidable_));
  }
  if (not_compared_ > 0) {
    text += base::format("{} not compared: the log does not say which route was taken\n", counted(not_compared_));
  }
  if (unreadable_ > 0) text += base::format("{} could not be read\n", counted(unreadable_, "line"));
  return text;
}

json Replay::json() const {
  nlohmann::json groups = nlohmann::json::array();
  for (const Groups::value_type* entry : largest_groups()) {
    const auto& [method, path, before, after] = entry->first;
    const Group& group = entry->second;
    groups.push_back({{"method", method},
                      {"path", path},
                      {"old", before},
                      {"new", after},
                      {"count", group.count},
                      {"example", {{"line", group.line}, {"url", group.example}}}});
  }
  return {{"requests", requests()},    {"changes", changes_},         {"no_route", without_route_},
          {"refused", refused_},       {"undecidable", undecidable_}, {"not_compared", not_compared_},
          {"unreadable", unreadable_}, {"groups", std::move(groups)}};
}

}  // namespace viaduct::cli

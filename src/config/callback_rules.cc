// SPDX-License-Identifier: Apache-2.0
#include "config/callback_rules.h"

#include "base/format.h"
#include "config/units.h"

namespace viaduct::config {

namespace {

// The platforms hang up after this time.
constexpr Duration kPlatformPatience = 5s;

// A key that a callback route may not have, in the words of the one who reads the message.
struct Forbidden {
  std::string_view key;
  bool is_used = false;
  std::string_view reason;
};

// Reports `key` where the route has it, or at the route when it inherits it.
void report_key(const Forbidden& forbidden, const RoutePosition& position, Reading& reading) {
  const std::string key(forbidden.key);
  const std::string own_path = base::format("{}.{}", position.path(), key);
  if (has_own_key(reading.places(), position, key)) {
    return reading.error_at(own_path, base::format("a callback route has no {}: {}; delete it", key, forbidden.reason));
  }
  const Place source = reading.places().nearest(find_key_path(reading.places(), position, key));
  const Place own = reading.places().nearest(position.path());
  reading.add(
      {.place = own,
       .key = own_path,
       .message = base::format("a callback route has no {0}: {1}, but this one inherits it from {2}; write {0}: "
                               "null here",
                               key, forbidden.reason, show_place(source, own))});
}

void report_action(std::string_view key, const RoutePosition& position, Reading& reading) {
  const std::string name(key);
  const std::string path = find_key_path(reading.places(), position, name);
  const bool is_own = has_own_key(reading.places(), position, name);
  reading.error_at(
      is_own ? path : position.path(),
      base::format("a callback route takes the answer of its upstream alone, not {}; write upstream: NAME",
                   is_own ? name
                          : name + ", which it inherits from " +
                                show_place(reading.places().nearest(path), reading.places().nearest(position.path()))));
}

void check_action(const RouteDraft& route, const RoutePosition& position, Reading& reading) {
  if (std::holds_alternative<StaticAction>(route.chosen)) report_action("static", position, reading);
  if (std::holds_alternative<RedirectAction>(route.chosen)) report_action("redirect", position, reading);
  if (std::holds_alternative<RespondAction>(route.chosen)) report_action("respond", position, reading);
}

void check_patience(const RouteDraft& route, const RoutePosition& position, Reading& reading) {
  const auto& total = route.timeouts.total;
  if (total && *total < kPlatformPatience) return;
  const std::string path = find_key_path(reading.places(), position, "timeouts.total");
  const std::string place = path.empty() ? position.path() : path;
  std::string message = base::format("the platform hangs up after {}, but timeouts.total is {}; write at most 4500ms",
                                     format_duration(kPlatformPatience), total ? format_duration(*total) : "off");
  const bool is_just_in_time = total && *total == kPlatformPatience;
  is_just_in_time ? reading.warn_at(place, std::move(message)) : reading.error_at(place, std::move(message));
}

void check_allow(const RouteDraft& route, const RoutePosition& position, Reading& reading) {
  if (!route.allow || route.allow->mode != AllowMode::kEnforce || route.allow->i_know) return;
  const std::string path = find_key_path(reading.places(), position, "allow");
  const std::string place = path.empty() ? position.path() : path;
  reading.warn_at(place,
                  "the platforms call from addresses that are in no list, too, and enforce refuses their payments; "
                  "write mode: report, or i_know: true beside it");
}

}  // namespace

void check_callback(const RouteDraft& route, const RoutePosition& position, Reading& reading) {
  if (route.callback == CallbackProvider::kNone) return;
  check_action(route, position, reading);
  const Forbidden forbidden[] = {
      {.key = "cors", .is_used = route.cors.has_value(), .reason = "no browser calls it"},
      {.key = "rewrite", .is_used = route.rewrite.has_value(), .reason = "the platform's request arrives unchanged"},
      {.key = "websocket",
       .is_used = route.websocket && has_own_key(reading.places(), position, "websocket"),
       .reason = "no platform speaks it"},
      {.key = "rate_limit", .is_used = route.rate_limit.has_value(), .reason = "a refused notice is a lost payment"},
      {.key = "basic_auth", .is_used = route.basic_auth.has_value(), .reason = "no platform has a password"},
  };
  for (const Forbidden& row : forbidden) {
    if (row.is_used) report_key(row, position, reading);
  }
  check_patience(route, position, reading);
  check_allow(route, position, reading);
}

}  // namespace viaduct::config

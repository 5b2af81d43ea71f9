// SPDX-License-Identifier: Apache-2.0
#include "cli/explanation.h"

#include <algorithm>
#include <chrono>

#include "action/static_file.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/format.h"
#include "codec/h1_method.h"
#include "config/utf8.h"
#include "exchange/client_address.h"
#include "filter/cors.h"
#include "filter/rewrite.h"
#include "http/reason.h"
#include "route/router.h"
#include "route/trace.h"

namespace viaduct::cli {
namespace {

using config::visible;
using nlohmann::json;

// A question as a request head, and what was decided on it.
struct Case {
  explicit Case(base::Arena& arena) : head(arena) {}

  http::RequestHead head;
  std::string scheme = "https";
  base::IpAddress client_ip;
  route::Decision decision;
  route::Trace trace;
  http::Reason reason = http::Reason::kNone;  // of the router or, behind it, of a filter
  // Why HTTP/1 would not even ask the router; HTTP/2 has no list of methods.
  http::Reason reason_of_h1 = http::Reason::kNone;
  std::string_view rewritten;  // the target that goes on; empty where it is the one that came
};

base::Result<void> read_url(const Question& question, Case& asked) {
  std::string_view url = question.url;
  if (url.starts_with("https://") || url.starts_with("http://")) {
    const std::size_t mark = url.find("://");
    asked.scheme = url.substr(0, mark);
    url.remove_prefix(mark + 3);
    const std::size_t slash = std::min(url.find_first_of("/?"), url.size());
    asked.head.authority = url.substr(0, slash);
    url.remove_prefix(slash);
    if (asked.head.authority.empty()) return base::fail("the URL names no host; write https://host/path, or /path");
  } else if ((!url.starts_with('/') || url.starts_with("//")) && url != "*") {
    return base::fail("the URL must be https://host/path, http://host/path or /path");
  }
  const bool lacks_slash = url.empty() || url.starts_with('?');
  base::Arena& arena = asked.head.fields.arena();
  asked.head.target = lacks_slash ? arena.append(arena.copy("/"), url) : url;
  return {};
}

base::Result<void> read_fields(const Question& question, Case& asked) {
  for (const std::string& line : question.fields) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || colon == 0) return base::fail("-H wants 'Name: value', not " + line);
    // Blanks around a value are no part of it (RFC 9110 §5.5).
    const std::size_t begin = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
    const std::size_t end = line.find_last_not_of(" \t") + 1;
    asked.head.fields.add(line.substr(0, colon), line.substr(begin, end - std::min(begin, end)));
  }
  const std::string_view host = asked.head.fields.value(http::FieldName::kHost);
  if (asked.head.authority.empty()) {
    asked.head.authority = host;
  } else if (host.empty()) {
    asked.head.fields.add(http::FieldName::kHost, asked.head.authority);
  }
  // A request without any host is one of HTTP/1.0, for the default site.
  if (asked.head.authority.empty()) asked.head.version = http::Version::kHttp10;
  return {};
}

// What the filters that can refuse would say, and the action of a route for files.
http::Reason ask_filters(const Case& asked) {
  const config::Route& route = *asked.decision.route;
  const bool listed = !route.allow || route.allow->addresses.contains(asked.client_ip);
  if (!listed && route.allow->mode == config::AllowMode::kEnforce) return http::Reason::kAddressNotAllowed;
  if (route.cors && filter::is_preflight(asked.head)) return filter::Cors(*route.cors).judge_preflight(asked.head);
  if (!std::holds_alternative<config::StaticAction>(route.action)) return http::Reason::kNone;
  return action::judge_file_request(asked.head.method, asked.decision);
}

// Rewrites the target as the filter would, or says why not.
http::Reason rewrite(Case& asked, base::ChunkPool& chunks) {
  const config::Route& route = *asked.decision.route;
  if (!route.rewrite || !std::holds_alternative<config::ProxyAction>(route.action)) return http::Reason::kNone;
  const auto filter = filter::Rewrite::make(*route.rewrite);
  CHECK(filter.has_value());  // daemon/build has made it
  if (asked.decision.is_ambiguous && !(*filter)->is_clear(asked.head.target, chunks)) {
    return http::Reason::kPathAmbiguous;
  }
  const std::string_view rewritten = (*filter)->rewrite(asked.head.target, asked.head.fields.arena());
  if (rewritten != asked.head.target) asked.rewritten = rewritten;
  return http::Reason::kNone;
}

std::string duration_text(const std::optional<base::Duration>& duration) {
  if (!duration) return "off";
  return base::format("{}ms", std::chrono::duration_cast<std::chrono::milliseconds>(*duration).count());
}

json describe_action(const config::Route& route) {
  struct Visitor {
    json operator()(const config::ProxyAction& action) const {
      return {{"kind", "proxy"}, {"upstream", action.upstream}};
    }
    json operator()(const config::StaticAction& action) const {
      return {{"kind", "static"}, {"root", action.root}, {"fallback", action.fallback}};
    }
    json operator()(const config::RedirectAction& action) const {
      return {{"kind", "redirect"}, {"to", action.to}, {"status", action.status}};
    }
    json operator()(const config::RespondAction& action) const {
      return {{"kind", "respond"}, {"status", action.status}};
    }
  };
  return std::visit(Visitor{}, route.action);
}

// The names alone: values may be secrets.
json describe_edits(const config::FieldEdits& edits) {
  json changes = json::array();
  for (const std::string& name : edits.remove) changes.push_back("remove " + name);
  for (const auto& [name, value] : edits.set) changes.push_back("set " + name);
  for (const auto& [name, value] : edits.add) changes.push_back("add " + name);
  return changes;
}

json describe_route(const config::Site& site, const config::Route& route) {
  json request = json::array();
  if (std::holds_alternative<config::ProxyAction>(route.action)) {
    request.push_back("set X-Request-ID");
    if (route.forwarded != config::ForwardedMode::kOff) {
      for (const char* name :
           {"X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"}) {
        request.push_back(std::string("set ") + name);
      }
    }
    if (!site.client_ca.empty()) request.push_back("set Client-Cert");
  }
  json response = json::array({"set X-Request-ID"});
  if (route.basic_auth && !route.basic_auth->forward) request.push_back("remove Authorization");
  if (route.cors) response.push_back("replace Access-Control-*");
  for (auto& change : describe_edits(route.headers.request)) request.push_back(std::move(change));
  for (auto& change : describe_edits(route.headers.response)) response.push_back(std::move(change));
  json described = {{"action", describe_action(route)},
                    {"request_headers", std::move(request)},
                    {"response_headers", std::move(response)}};
  // The others wait for nobody.
  if (std::holds_alternative<config::ProxyAction>(route.action)) {
    described["timeouts"] = {{"connect", duration_text(route.timeouts.connect)},
                             {"send", duration_text(route.timeouts.send)},
                             {"read", duration_text(route.timeouts.read)},
                             {"total", duration_text(route.timeouts.total)}};
  }
  return described;
}

json describe_trace(const route::Trace& trace) {
  json readings = json::array();
  for (const route::Trace::Reading& reading : trace.readings) {
    json candidates = json::array();
    for (const route::Trace::Candidate& candidate : reading.candidates) {
      candidates.push_back({{"route", candidate.route->name},
                            {"kind", route::path_kind_name(candidate.kind)},
                            {"pattern", candidate.pattern},
                            {"taken", candidate.verdict == route::Verdict::kTaken},
                            {"why", candidate.why}});
    }
    readings.push_back({{"path", reading.path},
                        {"route", reading.route != nullptr ? json(reading.route->name) : json(nullptr)},
                        {"reason", http::reason_name(reading.reason)},
                        {"candidates", std::move(candidates)}});
  }
  return readings;
}

json describe_outcome(http::Reason reason, const route::Decision& decision) {
  json outcome = json::object();
  if (reason == http::Reason::kNone) {
    outcome["route"] = decision.route->name;
  } else {
    outcome["decision"] = {{"status", http::reason_status(reason)}, {"reason", http::reason_name(reason)}};
  }
  return outcome;
}

json describe(const Case& asked, const exchange::Snapshot& snapshot) {
  const route::Decision& decision = asked.decision;
  json answer = {{"host", asked.trace.host},
                 {"site", decision.site != nullptr ? json(decision.site->hosts) : json(nullptr)},
                 {"host_pattern", asked.trace.host_pattern},
                 {"client_ip", asked.client_ip.to_string()},
                 {"readings", describe_trace(asked.trace)}};
  if (!asked.trace.deny.empty()) answer["deny"] = asked.trace.deny;
  if (!asked.trace.preflight_method.empty()) answer["preflight_method"] = asked.trace.preflight_method;
  if (decision.route != nullptr) {
    answer.update(describe_route(*decision.site, *decision.route));
    if (decision.route->allow) {
      answer["allow"] = decision.route->allow->addresses.contains(asked.client_ip) ? "listed" : "not listed";
    }
  }
  if (decision.route != nullptr && decision.route->basic_auth) {
    answer["basic_auth"] = decision.route->basic_auth->realm;
  }
  if (decision.route != nullptr && !decision.site->client_ca.empty() &&
      decision.site->client_auth == config::ClientAuth::kRequire) {
    answer["client_certificate"] = "required";
  }
  if (!asked.rewritten.empty()) answer["rewritten"] = asked.rewritten;
  const bool redirects = std::ranges::any_of(snapshot.config->listeners, &config::Listener::redirect_to_https);
  if (asked.scheme == "http" && redirects && !route::spares_https_redirect(decision)) {
    answer["redirect_to_https"] = true;
  }
  const bool is_known = asked.reason_of_h1 == http::Reason::kNone;
  if (!is_known && asked.head.method == http::Method::kOther) {
    answer["over_http2"] = describe_outcome(asked.reason, decision);
  }
  answer.update(describe_outcome(is_known ? asked.reason : asked.reason_of_h1, decision));
  return answer;
}

std::string joined(const json& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ", ") + item.get<std::string>();
  return text.empty() ? "none" : text;
}

std::string render_readings(const json& readings) {
  std::string text;
  for (const auto& reading : readings) {
    text += base::format("path: {}\n", visible(reading["path"].get<std::string>()));
    for (const auto& candidate : reading["candidates"]) {
      const std::string why = candidate["why"].get<std::string>();
      text +=
          base::format("  {} {} {}: {}\n", candidate["route"].get<std::string>(), candidate["kind"].get<std::string>(),
                       candidate["pattern"].get<std::string>(), why.empty() ? "taken" : why);
    }
  }
  return text;
}

std::string render_action(const json& action) {
  std::string text = "action: " + action["kind"].get<std::string>() + "\n";
  for (const auto& [key, value] : action.items()) {
    const std::string shown = value.is_string() ? value.get<std::string>() : value.dump();
    if (key != "kind" && !shown.empty()) text += base::format("{}: {}\n", key, shown);
  }
  return text;
}

std::string render_outcome(const json& outcome) {
  if (outcome.contains("route")) return base::format("route: {}\n", outcome["route"].get<std::string>());
  return base::format("decision: {} {}\n", outcome["decision"]["status"].get<int>(),
                      outcome["decision"]["reason"].get<std::string>());
}

std::string render(const json& answer) {
  std::string text;
  const bool has_site = !answer["site"].is_null();
  const std::string pattern = answer["host_pattern"].get<std::string>();
  text += base::format("site: {}{}\n", has_site ? joined(answer["site"]) : "none",
                       has_site && pattern.empty() ? " (default)" : "");
  if (answer.contains("preflight_method")) {
    text += base::format("preflight: routed as {}\n", visible(answer["preflight_method"].get<std::string>()));
  }
  text += render_readings(answer["readings"]);
  if (answer.contains("deny")) text += base::format("deny: {}\n", answer["deny"].get<std::string>());
  if (answer.contains("action")) {
    text += render_action(answer["action"]);
    if (answer.contains("rewritten")) {
      text += base::format("rewritten: {}\n", visible(answer["rewritten"].get<std::string>()));
    }
    text += base::format("request headers: {}\n", joined(answer["request_headers"]));
    text += base::format("response headers: {}\n", joined(answer["response_headers"]));
  }
  if (answer.contains("timeouts")) {
    const json& timeouts = answer["timeouts"];
    text += base::format("timeouts: connect {}, send {}, read {}, total {}\n", timeouts["connect"].get<std::string>(),
                         timeouts["send"].get<std::string>(), timeouts["read"].get<std::string>(),
                         timeouts["total"].get<std::string>());
  }
  if (answer.contains("allow")) {
    text +=
        base::format("allow: {} is {}\n", answer["client_ip"].get<std::string>(), answer["allow"].get<std::string>());
  }
  if (answer.contains("basic_auth")) {
    text += base::format("basic_auth: 401 without a user of \"{}\"\n", answer["basic_auth"].get<std::string>());
  }
  if (answer.contains("client_certificate")) {
    text += base::format("client certificate: {} without one\n",
                         http::reason_status(http::Reason::kClientCertificateMissing));
  }
  if (answer.contains("redirect_to_https")) text += "listener: plain HTTP is redirected to HTTPS (308) first\n";
  if (answer.contains("over_http2")) {
    text += "method: HTTP/1 does not know it; over HTTP/2: " + render_outcome(answer["over_http2"]);
  }
  return text + render_outcome(answer);
}

}  // namespace

base::Result<Explanation> explain_request(const exchange::Snapshot& snapshot, const Question& question) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  Case asked(arena);
  const auto from = base::IpAddress::parse(question.from);
  if (!from) return base::fail("--from wants an IP address, not " + question.from);
  if (!http::is_token(question.method)) return base::fail("the method must be a token, such as GET or POST");
  asked.head.method = http::parse_method(question.method);
  asked.head.method_text = question.method;
  TRY(read_url(question, asked));
  TRY(read_fields(question, asked));
  asked.decision = snapshot.router->decide(route::RequestView::of(asked.head), arena, &asked.trace);
  asked.client_ip = asked.decision.site == nullptr
                        ? *from
                        : exchange::find_client_ip(*from, asked.decision.site->trusted_proxies, asked.head.fields);
  asked.reason_of_h1 = codec::judge_h1_method(question.method);
  asked.reason = asked.decision.reason;
  if (asked.decision.route != nullptr) asked.reason = ask_filters(asked);
  if (asked.decision.route != nullptr && asked.reason == http::Reason::kNone) asked.reason = rewrite(asked, chunks);
  // Before anything is decided.
  const std::size_t target_size_max = snapshot.config->client.max_target_size;
  if (asked.head.target.size() > target_size_max) asked.reason = http::Reason::kTargetTooLong;
  const json answer = describe(asked, snapshot);
  return Explanation{.text = render(answer), .json = answer};
}

}  // namespace viaduct::cli

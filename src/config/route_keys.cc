// SPDX-License-Identifier: Apache-2.0
#include "config/route_keys.h"

#include <algorithm>

#include "base/bytes.h"
#include "config/action_keys.h"
#include "config/filter_keys.h"
#include "config/key_types.h"
#include "config/names.h"
#include "config/upstream_keys.h"

namespace viaduct::config {

namespace {

// The platforms hang up after 5 s.
constexpr Duration kCallbackConnect = 1s;
constexpr Duration kCallbackTotal = 4500ms;

// An empty list of paths would be a route for every path.
constexpr const char* kAddPath = "add a path, or delete the key";

Parsed<std::string> check_query_name(const std::string& name) {
  if (!name.empty()) return name;
  return std::unexpected("the name of a query parameter is empty; write one");
}

Parsed<std::string> check_matched_value(const std::string& value) {
  if (!value.starts_with("file:")) return value;
  return std::unexpected("file: is for secrets in headers: set and add; write the value itself");
}

// What is inherited was written for other routes: it counts where it is stricter than what the platforms bear.
Duration at_most(Duration limit, const std::optional<Duration>& inherited) {
  return inherited ? std::min(limit, *inherited) : limit;
}

// A provider, or null; the route then starts from the timeouts that fit the platforms.
Type<RouteDraft> callback() {
  const auto provider =
      or_null(choice<CallbackProvider>({{.word = "wechat_pay_v3", .value = CallbackProvider::kWechatPayV3},
                                        {.word = "wechat_pay_v2", .value = CallbackProvider::kWechatPayV2},
                                        {.word = "wechat_push", .value = CallbackProvider::kWechatPush},
                                        {.word = "alipay", .value = CallbackProvider::kAlipay},
                                        {.word = "generic", .value = CallbackProvider::kGeneric}}));
  Type<RouteDraft> type;
  type.info = provider.info;
  type.read = [provider](const Node& node, RouteDraft& route, const Scope& scope) {
    std::optional<CallbackProvider> read;
    provider.read(node, read, scope);
    if (read && route.callback == CallbackProvider::kNone) {
      route.timeouts.connect = at_most(kCallbackConnect, route.timeouts.connect);
      route.timeouts.total = at_most(kCallbackTotal, route.timeouts.total);
    }
    route.callback = read.value_or(CallbackProvider::kNone);
  };
  type.write = [provider](const RouteDraft& route) {
    if (route.callback == CallbackProvider::kNone) return Node{};
    return provider.write(route.callback);
  };
  return type;
}

Table<Timeouts> timeout_keys() {
  Table<Timeouts> table;
  const auto timeout = or_null(duration(1ms, 24h));
  table.add("connect", &Timeouts::connect, timeout,
            "How long connecting to a server may take, TLS included; callbacks: 1s, or less that is inherited.");
  table.add("send", &Timeouts::send, timeout, "How long a server may take nothing of a request that is being sent.");
  table.add("read", &Timeouts::read, timeout,
            "How long a server may be silent while an answer is due; event streams and gRPC have websocket_idle.");
  table.add("total", &Timeouts::total, timeout,
            "How long the whole exchange may take, a WebSocket until it is open; callbacks: 4500ms, or less that is "
            "inherited.");
  return table;
}

Table<Retry> retry_keys() {
  Table<Retry> table;
  table.add("attempts", &Retry::attempts, or_null(count<std::uint32_t>(1, 10)),
            "Servers that are tried while nothing was sent; 1 tries no other, null tries all.");
  Type<std::uint32_t> percent =
      scalar_type<std::uint32_t>(text("percentage").info, parse_percent,
                                 [](const std::uint32_t& value) { return Node::word(base::format("{}%", value)); });
  percent.info.pattern = "^[0-9]{1,3}%$";
  table.add("budget", &Retry::budget_percent, std::move(percent),
            "The share of requests that may be sent a second time, beside ten a second that always may.");
  return table;
}

Table<Match> match_keys() {
  Table<Match> table;
  table.add("exact", &Match::exact, filled_list_of(text("path", check_path), kAddPath),
            "The decoded path is one of these.");
  table.add(
      "prefix", &Match::prefix, filled_list_of(text("path", check_path), kAddPath),
      "The decoded path starts with one of these, at whole segments: /api takes /api and /api/x, /api/ only /api/x.");
  table.add("regex", &Match::regex, filled_list_of(text("regular expression", check_regex), kAddPath),
            "One of these RE2 expressions is found in the decoded path; anchor it with ^ and $.");
  table
      .add("methods", &Match::methods,
           filled_list_of(text("method", check_method), "add a method, or leave methods out to take all"),
           "The method is one of these; GET takes HEAD, too.")
      .defaults_to("any");
  table.add("headers", &Match::headers,
            text_map("field names to values", Names::kOfFields, check_field_name, check_matched_value),
            "Request fields with exactly these values.");
  table.add("query", &Match::query,
            text_map("query parameters to values", Names::kAsWritten, check_query_name, check_matched_value),
            "Query parameters with exactly these values.");
  return table;
}

void add_actions(Table<RouteDraft>& table) {
  table.add("upstream", alternative<RouteDraft>(&RouteDraft::chosen, proxy_action()),
            "The upstream that answers; one of upstreams.");
  table.add("static", alternative<RouteDraft>(&RouteDraft::chosen, object(static_keys())), "Serve files.");
  table.add("redirect", alternative<RouteDraft>(&RouteDraft::chosen, object(redirect_keys())),
            "Send clients elsewhere.");
  table.add("respond", alternative<RouteDraft>(&RouteDraft::chosen, object(respond_keys())),
            "Answer with a fixed text.");
}

void add_filters(Table<RouteDraft>& table) {
  table.add("allow", &RouteDraft::allow, or_null(object(allow_keys())), "Which clients may use the route.");
  table.add("cors", &RouteDraft::cors, or_null(object(cors_keys())),
            "Answer preflights and put the Access-Control fields on every answer, in the place of the upstream's.");
  table.add("headers", &RouteDraft::headers, object(header_edit_keys()),
            "Edit header fields, in the order remove, set, add.");
  table.add("forwarded", &RouteDraft::forwarded,
            choice<ForwardedMode>({{.word = "replace", .value = ForwardedMode::kReplace},
                                   {.word = "append", .value = ForwardedMode::kAppend},
                                   {.word = "off", .value = ForwardedMode::kOff}}),
            "X-Real-IP and X-Forwarded-*: from the connection (replace), behind the client's own (append), or "
            "untouched (off).");
  table.add("rewrite", &RouteDraft::rewrite, or_null(rewrite()), "Change the path before it is forwarded.");
  table.add("rate_limit", &RouteDraft::rate_limit, or_null(object(rate_limit_keys())),
            "Refuse what comes too often, with 429.");
  table.add("basic_auth", &RouteDraft::basic_auth, or_null(object(basic_auth_keys())),
            "Ask for a name and a password (RFC 7617), with 401; behind rate_limit and preflights of cors.");
}

}  // namespace

Table<RouteDraft> inherited_route_keys() {
  Table<RouteDraft> table({"upstream", "static", "redirect", "respond"});
  // Before timeouts, whose defaults it changes.
  table.add("callback", callback(),
            "The platform that calls this route: its answers are whole or its own form of failure, within its 5 "
            "seconds.");
  add_actions(table);
  add_filters(table);
  table.add("timeouts", &RouteDraft::timeouts, object(timeout_keys()), "How long the upstream may take.");
  table.add("body_limit", &RouteDraft::body_limit, or_null(size<std::uint64_t>(0, std::uint64_t{1} << 40U)),
            "The longest request body; 413.");
  table.add("retry", &RouteDraft::retry, object(retry_keys()), "Sending a request again, where that is provably safe.");
  table.add("balance", &RouteDraft::balance, or_null(balance()),
            "How a server is chosen, in the place of the upstream's balance.");
  table.add("websocket", &RouteDraft::websocket, boolean(),
            "Let connections be upgraded to WebSocket; nothing else is ever upgraded to.");
  table.add("websocket_idle", &RouteDraft::websocket_idle, duration(1s, 24h * 30),
            "How long a WebSocket, dialogue, event stream or call of gRPC may be silent; goes before timeouts.read.");
  table.mark_of_route();
  return table;
}

Table<RouteDraft> route_keys() {
  Table<RouteDraft> table({"upstream", "static", "redirect", "respond"});
  table
      .add("name", &RouteDraft::name, text("name", check_name, "^[A-Za-z0-9._-]{1,64}$"),
           "What logs, metrics and `viaduct explain` call the route; unique in its site.")
      .defaults_to("made from the path");
  table.add("match", &RouteDraft::match, object(match_keys()),
            "Which requests take the route; without exact, prefix and regex, those for every path.");
  table.add_own(inherited_route_keys());
  return table;
}

}  // namespace viaduct::config

// SPDX-License-Identifier: Apache-2.0
#include "filter/cors.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "exchange/exchange.h"

namespace viaduct::filter {
namespace {

using http::FieldName;
using http::Reason;

// What a script may send without asking (Fetch, "CORS-safelisted request-header").
constexpr std::array<std::string_view, 3> kSafelistedHeaders = {"accept", "accept-language", "content-language"};

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

// Also those that no browser knows yet: who adds CORS here answers for all of it.
bool is_cors_field(const http::Field& field) {
  constexpr std::string_view kPrefix = "access-control-";
  return base::equals_ignoring_case(field.name.substr(0, kPrefix.size()), kPrefix);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `visit` for each element of a comma-separated list until it returns false; whether it never did.
template <typename Visit>
bool all_of_list(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view element = trim(list.substr(0, comma));
    if (!element.empty() && !visit(element)) return false;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return true;
}

bool varies_by_origin(const http::Fields& fields) {
  for (const http::Field& field : fields) {
    if (field.id != FieldName::kVary) continue;
    const bool missing = all_of_list(field.value, [](std::string_view element) {
      return element != "*" && !base::equals_ignoring_case(element, "Origin");
    });
    if (!missing) return true;
  }
  return false;
}

// A page's own site needs no permission, whatever the list says. A proxy in front of us may have ended its TLS.
bool is_same_origin(exchange::Exchange& exchange, std::string_view origin) {
  constexpr std::string_view kSeparator = "://";
  const std::size_t scheme = std::min(origin.find(kSeparator), origin.size());
  if (!exchange.is_peer_trusted() && origin.substr(0, scheme) != exchange.scheme()) return false;
  const std::string_view rest = origin.substr(scheme);
  return rest.starts_with(kSeparator) &&
         base::equals_ignoring_case(rest.substr(kSeparator.size()), exchange.request().authority);
}

}  // namespace

bool is_preflight(const http::RequestHead& request) {
  return request.method == http::Method::kOptions && request.fields.find(FieldName::kOrigin) != nullptr &&
         request.fields.find(FieldName::kAccessControlRequestMethod) != nullptr;
}

Cors::Cors(const config::Cors& config)
    : allow_credentials_(config.allow_credentials),
      methods_(config.allow_methods),
      headers_(config.allow_headers),
      methods_text_(join(config.allow_methods)),
      headers_text_(join(config.allow_headers)),
      expose_text_(join(config.expose_headers)) {
  for (const std::string& origin : config.allow_origins) {
    const std::size_t star = origin.find('*');
    if (origin == "*") {
      any_origin_ = true;
    } else if (star != std::string::npos) {
      patterns_.push_back({.before = origin.substr(0, star), .behind = origin.substr(star + 1)});
    } else {
      origins_.push_back(origin);
    }
  }
  any_method_ = std::ranges::find(methods_, "*") != methods_.end();
  any_header_ = std::ranges::find(headers_, "*") != headers_.end();
  if (config.max_age) {
    max_age_text_ = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*config.max_age).count());
  }
}

bool Cors::is_origin_allowed(std::string_view origin) const {
  if (any_origin_) return true;
  if (std::ranges::any_of(origins_, [&](const auto& each) { return base::equals_ignoring_case(each, origin); })) {
    return true;
  }
  return std::ranges::any_of(patterns_, [&](const Pattern& pattern) {
    // The star stands for one label or more, never for nothing, a port or a path.
    if (origin.size() <= pattern.before.size() + pattern.behind.size()) return false;
    const std::string_view middle =
        origin.substr(pattern.before.size(), origin.size() - pattern.before.size() - pattern.behind.size());
    return base::equals_ignoring_case(origin.substr(0, pattern.before.size()), pattern.before) &&
           base::equals_ignoring_case(origin.substr(origin.size() - pattern.behind.size()), pattern.behind) &&
           middle.find_first_of("/:@?#") == std::string_view::npos;
  });
}

bool Cors::is_method_allowed(std::string_view method) const {
  if (any_method_ || std::ranges::find(methods_, method) != methods_.end()) return true;
  return method == "HEAD" && std::ranges::find(methods_, "GET") != methods_.end();
}

bool Cors::is_header_allowed(std::string_view name) const {
  const auto equals = [name](std::string_view each) { return base::equals_ignoring_case(each, name); };
  // The star does not cover Authorization (Fetch, "CORS non-wildcard request-header name").
  if (any_header_ && !equals("Authorization")) return true;
  return std::ranges::any_of(headers_, equals) || std::ranges::any_of(kSafelistedHeaders, equals);
}

bool Cors::are_headers_allowed(std::string_view list) const {
  return all_of_list(list, [this](std::string_view name) { return is_header_allowed(name); });
}

Reason Cors::judge_preflight(const http::RequestHead& request) const {
  const http::Fields& fields = request.fields;
  if (!is_origin_allowed(fields.value(FieldName::kOrigin))) return Reason::kCorsOriginNotAllowed;
  if (!is_method_allowed(fields.value(FieldName::kAccessControlRequestMethod))) return Reason::kCorsMethodNotAllowed;
  for (const http::Field& field : fields) {
    if (field.id != FieldName::kAccessControlRequestHeaders) continue;
    if (!are_headers_allowed(field.value)) return Reason::kCorsHeaderNotAllowed;
  }
  return Reason::kNone;
}

exchange::FilterVerdict Cors::on_request(exchange::Exchange& exchange) const {
  const http::RequestHead& request = exchange.request();
  if (is_preflight(request)) {
    if (const Reason reason = judge_preflight(request); reason != Reason::kNone) {
      exchange.fail(reason);
    } else {
      exchange.respond({.status = 204, .content_type = {}, .body = {}, .fields = {}});
    }
    return exchange::FilterVerdict::kAnswered;
  }
  const std::string_view origin = request.fields.value(FieldName::kOrigin);
  if (!origin.empty() && !is_origin_allowed(origin) && !is_same_origin(exchange, origin)) {
    // Not ours to stop: the browser hides the answer from the page. The log says why it will.
    exchange.note(Reason::kCorsOriginNotAllowed);
  }
  return exchange::FilterVerdict::kContinue;
}

void Cors::on_response(exchange::Exchange& exchange, http::ResponseHead& head) const {
  const http::RequestHead& request = exchange.request();
  head.fields.remove_if(is_cors_field);
  if (!any_origin_ && !varies_by_origin(head.fields)) head.fields.add(FieldName::kVary, "Origin");
  const http::Field* origin = request.fields.find(FieldName::kOrigin);
  // Where all are allowed, all get one answer: a cache gives what it has for a navigation to a script as well.
  if (!any_origin_ && (origin == nullptr || !is_origin_allowed(origin->value))) return;
  const bool preflight = is_preflight(request);
  // Another filter may have refused it.
  if (preflight && (head.status >= 300 || judge_preflight(request) != Reason::kNone)) return;
  head.fields.add(FieldName::kAccessControlAllowOrigin, any_origin_ ? std::string_view("*") : origin->value);
  if (allow_credentials_) head.fields.add(FieldName::kAccessControlAllowCredentials, "true");
  if (preflight) {
    add_preflight_fields(head.fields);
  } else if (!expose_text_.empty()) {
    head.fields.add(FieldName::kAccessControlExposeHeaders, expose_text_);
  }
}

void Cors::add_preflight_fields(http::Fields& fields) const {
  fields.add(FieldName::kAccessControlAllowMethods, methods_text_);
  if (!headers_text_.empty()) fields.add(FieldName::kAccessControlAllowHeaders, headers_text_);
  if (!max_age_text_.empty()) fields.add(FieldName::kAccessControlMaxAge, max_age_text_);
}

}  // namespace viaduct::filter

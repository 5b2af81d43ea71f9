// SPDX-License-Identifier: Apache-2.0
#include "exchange/local_reply.h"

#include <array>
#include <charconv>

#include "exchange/callback_reply.h"
#include "http/accept.h"
#include "http/status.h"

namespace viaduct::exchange {
namespace {

std::string_view number_text(int number, base::Arena& arena) {
  std::array<char, 12> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return arena.copy({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

std::string_view join(std::initializer_list<std::string_view> parts, base::Arena& arena) {
  std::size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  char* bytes = arena.make_array<char>(size);
  char* at = bytes;
  for (const std::string_view part : parts) at = std::copy(part.begin(), part.end(), at);
  return {bytes, size};
}

// The texts below are our own and the request id has a safe alphabet: nothing needs escaping.
std::string_view html_body(int status, http::Reason reason, std::string_view request_id, base::Arena& arena) {
  const std::string_view number = number_text(status, arena);
  const std::string_view title = http::status_text(status);
  return join({"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>", number, " ", title,
               "</title></head>\n<body><h1>", number, " ", title, "</h1>\n<p>", http::reason_sentence(reason),
               "</p>\n<p>Request <code>", request_id, "</code></p></body></html>\n"},
              arena);
}

std::string_view problem_body(int status, http::Reason reason, std::string_view request_id, base::Arena& arena) {
  return join(
      {R"({"type":"about:blank","title":")", http::status_text(status), R"(","status":)", number_text(status, arena),
       R"(,"detail":")", http::reason_sentence(reason), R"(","request_id":")", request_id, "\"}\n"},
      arena);
}

// The page for `status` that the client can show; null where there is none.
const config::ErrorPage* find_page(int status, const http::Fields& fields, const config::Config& config) {
  for (const config::ErrorPage& page : config.errors) {
    if (status < page.from || status > page.to) continue;
    const std::string_view type = std::string_view(page.content_type).substr(0, page.content_type.find(';'));
    return http::accepts_json(fields) && !http::names_type(fields, type) ? nullptr : &page;
  }
  return nullptr;
}

}  // namespace

LocalReply make_local_reply(const Refusal& refusal, const config::Config& config, base::Arena& arena) {
  const http::Reason reason = refusal.reason;
  if (refusal.provider != config::CallbackProvider::kNone) return make_callback_reply(refusal.provider, reason, arena);
  const int status = http::reason_status(reason);
  if (const config::ErrorPage* page = find_page(status, refusal.request.fields, config)) {
    return {.status = status, .content_type = page->content_type, .body = page->body};
  }
  if (http::accepts_html(refusal.request.fields)) {
    return {.status = status,
            .content_type = "text/html; charset=utf-8",
            .body = html_body(status, reason, refusal.request_id, arena)};
  }
  return {.status = status,
          .content_type = "application/problem+json",
          .body = problem_body(status, reason, refusal.request_id, arena)};
}

}  // namespace viaduct::exchange

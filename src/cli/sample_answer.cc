// SPDX-License-Identifier: Apache-2.0
#include "cli/sample_answer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/format.h"
#include "base/uri.h"
#include "cli/sample_echo.h"

namespace viaduct::cli {
namespace {

constexpr std::string_view kJson = "application/json; charset=utf-8";
constexpr std::string_view kText = "text/plain; charset=utf-8";

// Fields and target come from outside and need not be UTF-8, which is all that JSON can hold.
std::string to_text(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

SampleAnswer describe(const SampleRequest& request) {
  nlohmann::ordered_json fields = nlohmann::ordered_json::array();
  for (const auto& [name, value] : request.fields) fields.push_back(base::format("{}: {}", name, value));
  const nlohmann::ordered_json answer = {
      {"upstream", request.upstream},
      {"method", request.method},
      {"target", request.target},
      {"fields", std::move(fields)},
      {"body", {{"bytes", request.body_bytes}, {"sha256", request.body_sha256}}},
  };
  return {.content_type = std::string(kJson), .body = to_text(answer)};
}

// WeChat Pay API v3 and its kind: any 200 means that the notice was taken.
SampleAnswer take_notice(const SampleRequest&) {
  return {.content_type = "application/json", .body = R"({"code":"SUCCESS"})"};
}

// The value of a query parameter, decoded; empty when there is none.
std::string query_value(std::string_view target, std::string_view name) {
  std::string_view query = target.substr(std::min(target.find('?'), target.size()));
  while (!query.empty()) {
    query.remove_prefix(1);
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(pair.size());
    if (pair.size() <= name.size() || !pair.starts_with(name) || pair[name.size()] != '=') continue;
    std::string value(pair.substr(name.size() + 1));
    value.resize(base::percent_decode(value, value.data()));
    return value;
  }
  return {};
}

// The server check of a WeChat Official Account: what comes as echostr goes back. A push is taken by the word success.
SampleAnswer verify(const SampleRequest& request) {
  const bool is_check = request.method == "GET";
  return {.content_type = std::string(kText),
          .body = is_check ? query_value(request.target, "echostr") : std::string("success")};
}

SampleAnswer answer_slowly(const SampleRequest& request) {
  SampleAnswer answer = describe(request);
  answer.delay = kSlowAnswerDelay;
  return answer;
}

SampleAnswer answer_missing(const SampleRequest& request) {
  const nlohmann::ordered_json answer = {
      {"upstream", request.upstream}, {"error", "there is nothing here"}, {"target", request.target}};
  return {.status = 404, .content_type = std::string(kJson), .body = to_text(answer)};
}

SampleAnswer want_upgrade(const SampleRequest&) {
  return {.status = 426, .content_type = std::string(kText), .body = "This address speaks WebSocket.\n"};
}

struct Row {
  std::string_view path;
  SampleAnswer (*answer)(const SampleRequest& request);
};

constexpr Row kRows[] = {
    {.path = "/api/v1/payment/notify", .answer = take_notice},
    {.path = "/api/v1/payment/wechat/callback", .answer = take_notice},
    {.path = "/api/v1/auth/wechat/verify", .answer = verify},
    {.path = "/api/v1/slow", .answer = answer_slowly},
    {.path = "/api/v1/missing", .answer = answer_missing},
    {.path = kSampleEchoPath, .answer = want_upgrade},
};

}  // namespace

SampleAnswer answer_sample(const SampleRequest& request) {
  const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
  const auto* row = std::ranges::find(kRows, path, &Row::path);
  return row != std::end(kRows) ? row->answer(request) : describe(request);
}

}  // namespace viaduct::cli

// SPDX-License-Identifier: Apache-2.0
#include "cli/logged_request.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ip.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<LoggedRequest> read_json(std::string_view line) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  LoggedRequest request;
  request.method = text_of(object, "method");
  request.target = text_of(object, "path");
  if (request.method.empty() || request.target.empty()) return std::nullopt;
  const std::string query = text_of(object, "query");
  if (!query.empty()) request.target += "?" + query;
  request.host = text_of(object, "host");
  request.client_ip = text_of(object, "client_ip");
  if (const auto status = object.find("status"); status != object.end() && status->is_number_integer()) {
    request.status = status->get<int>();
  }
  request.is_decided = object.contains("site") && object.contains("route") && object.contains("reason");
  request.site = text_of(object, "site");
  request.route = text_of(object, "route");
  request.reason = text_of(object, "reason");
  request.upstream = text_of(object, "upstream");
  return request;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  const char lower = base::to_lower(digit);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Takes a quoted text off the front of `rest`, with its escapes undone: \" \\ and \xHH, as all of them write. Absent
// where there is none.
std::optional<std::string> take_quoted(std::string_view& rest) {
  if (!rest.starts_with('"')) return std::nullopt;
  std::string text;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return text;
    }
    if (rest[i] != '\\' || i + 1 == rest.size()) {
      text += rest[i];
      continue;
    }
    ++i;
    const bool is_hex =
        rest[i] == 'x' && i + 2 < rest.size() && hex_value(rest[i + 1]) >= 0 && hex_value(rest[i + 2]) >= 0;
    if (is_hex) {
      text += static_cast<char>(hex_value(rest[i + 1]) * 16 + hex_value(rest[i + 2]));
      i += 2;
    } else {
      text += rest[i];
    }
  }
  return std::nullopt;
}

// "METHOD TARGET VERSION"; false for what is no request.
bool read_request_line(std::string_view line, LoggedRequest& request) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0) return false;
  const bool has_version = last > first && line.substr(last + 1).starts_with("HTTP/");
  request.method = line.substr(0, first);
  std::string_view target = line.substr(first + 1, has_version ? last - first - 1 : std::string_view::npos);
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!base::lower_case(target.substr(0, scheme.size())).starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    request.host = target.substr(0, end);
    target.remove_prefix(end);
    break;
  }
  request.target = target.empty() || target.starts_with('?') ? "/" + std::string(target) : std::string(target);
  return request.target.starts_with('/') || request.target == "*";
}

// Who asked, and what stands before the time.
bool read_start(std::string_view start, LoggedRequest& request) {
  const std::vector<std::string_view> words = split_words(start);
  if (words.size() < 3) return false;
  const bool has_host_first = words.size() > 3 && base::IpAddress::parse(words[1]).has_value();
  request.client_ip = words[has_host_first ? 1 : 0];
  if (has_host_first) {
    request.host = words[0];
  } else if (words[1] != "-" && words[1].contains('.')) {
    request.host = words[1];
  }
  return true;
}

std::optional<LoggedRequest> read_combined(std::string_view line) {
  const std::size_t open = line.find(" [");
  const std::size_t close = line.find("] ", std::min(open, line.size()));
  if (close == std::string_view::npos) return std::nullopt;
  LoggedRequest request;
  if (!read_start(line.substr(0, open), request)) return std::nullopt;
  std::string_view rest = line.substr(close + 2);
  const auto request_line = take_quoted(rest);
  if (!request_line || !read_request_line(*request_line, request) || !rest.starts_with(' ')) return std::nullopt;
  rest.remove_prefix(1);
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), request.status);
  if (error != std::errc() || (end != rest.data() + rest.size() && *end != ' ')) return std::nullopt;
  return request;
}

}  // namespace

std::optional<LoggedRequest> read_logged_request(std::string_view line) {
  if (line.size() > kLogLineBytesMax) return std::nullopt;
  return line.starts_with('{') ? read_json(line) : read_combined(line);
}

}  // namespace viaduct::cli

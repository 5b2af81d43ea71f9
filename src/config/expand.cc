// SPDX-License-Identifier: Apache-2.0
#include "config/expand.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/format.h"
#include "config/files.h"
#include "config/spelling.h"

namespace viaduct::config {

namespace {

bool is_name(std::string_view text, char first, char last) {
  const auto fits = [=](char byte) {
    return (byte >= first && byte <= last) || byte == '_' || (byte >= '0' && byte <= '9');
  };
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') && std::ranges::all_of(text, fits);
}

Parsed<std::string> expand_environment(std::string_view name, std::optional<std::string_view> fallback,
                                       const Environment& environment) {
  const auto value = environment(std::string(name));
  if (value && (!value->empty() || !fallback)) return *value;
  if (fallback) return std::string(*fallback);
  return std::unexpected(
      base::format("the environment variable {0} is not set; set it, or give a default: ${{{0}:-default}}", name));
}

Parsed<std::string> keep_request_variable(std::string_view name, std::span<const std::string> variables) {
  if (std::ranges::find(variables, name) != variables.end()) return base::format("${{{}}}", name);
  if (variables.empty()) {
    return std::unexpected(base::format(
        "${{{}}} is a variable of the request, which has no meaning here; environment variables are in capitals",
        name));
  }
  const std::string hint = suggestion(name, variables);
  return std::unexpected(base::format("${{{}}} is no variable; {}", name,
                                      hint.empty() ? "viaduct reference lists those that are known here" : hint));
}

// Expands the text between the braces.
Parsed<std::string> expand_one(std::string_view inside, const Environment& environment,
                               std::span<const std::string> variables) {
  const std::size_t mark = inside.find(":-");
  const std::string_view name = inside.substr(0, mark);
  std::optional<std::string_view> fallback;
  if (mark != std::string_view::npos) fallback = inside.substr(mark + 2);
  if (is_name(name, 'A', 'Z')) return expand_environment(name, fallback, environment);
  if (is_name(name, 'a', 'z') && !fallback) return keep_request_variable(name, variables);
  return std::unexpected(base::format(
      "${{{}}} is no variable; write ${{NAME}} or ${{NAME:-default}} for the environment, in capitals", inside));
}

}  // namespace

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::vector<std::string> request_variables() {
  return {"host", "path", "query", "scheme", "client_ip", "request_id"};
}

bool names_request_variable(std::string_view text) {
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at + 2)) {
    if (at + 2 < text.size() && text[at + 2] >= 'a' && text[at + 2] <= 'z') return true;
  }
  return false;
}

Parsed<std::string> expand(std::string_view text, const Environment& environment,
                           std::span<const std::string> variables) {
  std::string expanded;
  while (true) {
    const std::size_t start = text.find("${");
    expanded += text.substr(0, start);
    if (start == std::string_view::npos) return expanded;
    const std::size_t end = text.find('}', start);
    if (end == std::string_view::npos) return std::unexpected("a ${ is never closed; add }");
    auto value = expand_one(text.substr(start + 2, end - start - 2), environment, variables);
    if (!value) return value;
    expanded += *value;
    text.remove_prefix(end + 1);
  }
}

Parsed<std::string> read_secret_file(const std::string& path) {
  auto content = read_text_file(path, kSecretBytesMax);
  if (!content) return content;
  std::string secret = std::move(*content);
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.empty()) return std::unexpected(base::format("{} is empty; put the secret into it", path));
  return secret;
}

std::string resolve_path(std::string_view path, std::string_view directory) {
  const std::filesystem::path given(path);
  return (given.is_absolute() ? given : std::filesystem::path(directory) / given).lexically_normal().string();
}

}  // namespace viaduct::config

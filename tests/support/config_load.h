// SPDX-License-Identifier: Apache-2.0
// Small configs for tests: a head that is right, so that a test writes only what it is about, and what the loader says
// about it as an operator would read it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/load.h"

namespace viaduct::support {

// Seven lines before the first route; a route follows, indented by six spaces.
inline constexpr std::string_view kConfigHead =
    "listeners:\n"
    "  - address: \":8080\"\n"
    "upstreams:\n"
    "  app: { servers: [\"http://127.0.0.1:8000\"] }\n"
    "sites:\n"
    "  - hosts: [www.example.com]\n"
    "    routes:\n";

// The head with `routes` behind it.
inline std::string with_routes(std::string_view routes) {
  return std::string(kConfigHead).append(routes);
}

// The head with one route, and `top` (keys at the top of the file) behind it.
inline std::string with_top(std::string_view top) {
  return with_routes("      - { match: { prefix: / }, upstream: app }\n").append(top);
}

// A directory that is not there, so that messages about files are the same everywhere.
inline constexpr const char* kNoDirectory = "/nonexistent/etc";

// Loads `text` as the file viaduct.yaml, relative paths being below `directory`. The environment has HOME_NAME and an
// empty EMPTY.
inline config::LoadResult load_config(const std::string& text, const std::string& directory = kNoDirectory) {
  config::LoadOptions options;
  options.directory = directory;
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "HOME_NAME") return "home.example.com";
    if (name == "EMPTY") return "";
    return std::nullopt;
  };
  return config::load_text(text, "viaduct.yaml", options);
}

// What is wrong with `text`, as it is printed. A config that loads although there is an error is told, too.
inline std::string problems_of(const std::string& text, const std::string& directory = kNoDirectory) {
  const config::LoadResult result = load_config(text, directory);
  const bool agrees = (result.config == nullptr) == config::has_errors(result.problems);
  return (agrees ? "" : "LOADED WITH ERRORS\n") + config::render_problems(result.problems, result.sources);
}

// The config that `text` says; a failure of the test, and an empty one, where it does not load.
inline std::unique_ptr<config::Config> config_of(const std::string& text, const std::string& directory = kNoDirectory) {
  config::LoadResult result = load_config(text, directory);
  EXPECT_NE(result.config, nullptr) << config::render_problems(result.problems, result.sources);
  return result.config ? std::move(result.config) : std::make_unique<config::Config>();
}

// The one route of with_routes(`route`).
inline config::Route route_of(std::string_view route) {
  const auto config = config_of(with_routes(route));
  const bool has_route = !config->sites.empty() && !config->sites.front().routes.empty();
  return has_route ? config->sites.front().routes.front() : config::Route();
}

}  // namespace viaduct::support

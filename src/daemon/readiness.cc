// SPDX-License-Identifier: Apache-2.0
#include "daemon/readiness.h"

#include <nlohmann/json.hpp>

#include "base/format.h"

namespace viaduct::daemon {
namespace {

std::string explain(const UpstreamFacts& upstream) {
  std::string text = "no server is available:";
  std::string_view separator = " ";
  for (const ServerFacts& server : upstream.servers) {
    text += base::format("{}{} is {}", separator, server.name, server.state);
    separator = ", ";
  }
  return text;
}

}  // namespace

std::string Readiness::to_json() const {
  nlohmann::ordered_json page = {{"ready", is_ready()}, {"reasons", nlohmann::ordered_json::array()}};
  for (const Problem& problem : problems) {
    nlohmann::ordered_json row;
    if (!problem.upstream.empty()) row["upstream"] = problem.upstream;
    row["reason"] = problem.message;
    page["reasons"].push_back(std::move(row));
  }
  return page.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Readiness find_readiness(const Overview& overview) {
  const Overview::Facts facts = overview.facts();
  Readiness readiness;
  if (facts.is_draining) readiness.problems.push_back({.upstream = {}, .message = "the process is shutting down"});
  for (const UpstreamFacts& upstream : overview.upstreams(*facts.snapshot)) {
    if (!upstream.is_needed || upstream.has_server()) continue;
    readiness.problems.push_back({.upstream = upstream.name, .message = explain(upstream)});
  }
  return readiness;
}

}  // namespace viaduct::daemon

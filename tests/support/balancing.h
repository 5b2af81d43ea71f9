// SPDX-License-Identifier: Apache-2.0
// Candidates of a balance policy made of few words, and what a policy makes of them. For tests of upstream/. One
// thread.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "upstream/balancer.h"

namespace viaduct::support {

// Available candidates of these weights.
inline std::vector<upstream::Candidate> weights(std::initializer_list<std::uint32_t> values) {
  std::vector<upstream::Candidate> candidates;
  for (const std::uint32_t weight : values) candidates.push_back({.weight = weight});
  return candidates;
}

// Servers at 10.0.0.1, 10.0.0.2 and so on.
inline std::vector<config::Server> servers(std::size_t count) {
  std::vector<config::Server> servers(count);
  for (std::size_t i = 0; i < count; ++i) servers[i].host = "10.0.0." + std::to_string(i + 1);
  return servers;
}

// Of `count` picks, those of each candidate; every pick has another key.
inline std::vector<int> shares(upstream::Balancer& balancer, const std::vector<upstream::Candidate>& candidates,
                               int count) {
  std::vector<int> picked(candidates.size(), 0);
  for (int i = 0; i < count; ++i) ++picked.at(balancer.pick(candidates, "key " + std::to_string(i)));
  return picked;
}

// The same where each picked candidate keeps its request as long as `under_way` younger ones are.
inline std::vector<int> shares_under_load(upstream::Balancer& balancer, std::vector<upstream::Candidate> candidates,
                                          int count, std::size_t under_way) {
  std::vector<int> picked(candidates.size(), 0);
  std::vector<std::size_t> running;
  for (int i = 0; i < count; ++i) {
    const std::size_t index = balancer.pick(candidates, "key " + std::to_string(i));
    ++picked.at(index);
    ++candidates[index].requests;
    running.push_back(index);
    if (running.size() <= under_way) continue;
    --candidates[running.front()].requests;
    running.erase(running.begin());
  }
  return picked;
}

}  // namespace viaduct::support

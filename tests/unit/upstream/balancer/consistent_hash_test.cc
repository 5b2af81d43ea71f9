// SPDX-License-Identifier: Apache-2.0
#include "upstream/balancer/consistent_hash.h"

#include <gtest/gtest.h>

#include "support/balancing.h"

namespace viaduct::upstream {
namespace {

using support::servers;

constexpr int kPicks = 5000;
constexpr std::size_t kKeys = kPicks;

std::string key(std::size_t number) {
  return "192.0.2." + std::to_string(number);
}

// The host of the server of each key.
std::vector<std::string> owners(const std::vector<config::Server>& servers, const std::vector<Candidate>& candidates) {
  ConsistentHash balancer(servers);
  std::vector<std::string> hosts;
  for (std::size_t i = 0; i < kKeys; ++i) hosts.push_back(servers[balancer.pick(candidates, key(i))].host);
  return hosts;
}

std::vector<std::string> owners(const std::vector<config::Server>& servers) {
  return owners(servers, std::vector<Candidate>(servers.size()));
}

TEST(ConsistentHash, GivesTheSameKeyToTheSameServerInEveryWorkerAndAtEveryStart) {
  EXPECT_EQ(owners(servers(5)), owners(servers(5)));
  ConsistentHash balancer(servers(3));
  std::string text;
  for (std::size_t i = 0; i < 16; ++i)
    text += static_cast<char>('a' + balancer.pick(std::vector<Candidate>(3), key(i)));
  EXPECT_EQ(text, "bccbbacabcbbbacc");
}

TEST(ConsistentHash, MovesTheKeysOfALostServerAlone) {
  const auto all = servers(4);
  const std::vector<std::string> before = owners(all);
  std::vector<Candidate> candidates(4);
  candidates[2].available = false;
  const std::vector<std::string> after = owners(all, candidates);
  std::map<std::string, int> heirs;
  for (std::size_t i = 0; i < kKeys; ++i) {
    if (before[i] == all[2].host) {
      ++heirs[after[i]];
    } else {
      EXPECT_EQ(after[i], before[i]) << key(i);
    }
  }
  EXPECT_EQ(heirs.size(), 3u);  // not one of them has to bear it all
}

TEST(ConsistentHash, KnowsAServerByItsAddressWhereverItStands) {
  auto all = servers(4);
  const std::vector<std::string> before = owners(all);
  std::swap(all[0], all[3]);
  EXPECT_EQ(owners(all), before);
  all.erase(all.begin() + 1);
  const std::vector<std::string> after = owners(all);
  for (std::size_t i = 0; i < kKeys; ++i) {
    if (before[i] == "10.0.0.2") continue;
    EXPECT_EQ(after[i], before[i]) << key(i);
  }
}

TEST(ConsistentHash, TellsServersApartByEveryPartOfTheirAddress) {
  std::vector<config::Server> all(5);
  for (config::Server& server : all) server.host = "10.0.0.1";
  all[1].port = 8000;
  all[2].tls = true;
  all[3].is_unix = true;
  all[4].host = "10.0.0.11";
  ConsistentHash balancer(all);
  for (const int count : support::shares(balancer, std::vector<Candidate>(5), kPicks)) EXPECT_GT(count, kPicks / 10);
}

TEST(ConsistentHash, MovesKeysToAServerThatGrowsAlone) {
  const auto all = servers(3);
  std::vector<Candidate> candidates = support::weights({100, 10, 100});
  std::vector<std::string> before = owners(all, candidates);
  int moved = 0;
  for (const std::uint32_t weight : {20u, 50u, 100u}) {
    candidates[1].weight = weight;
    const std::vector<std::string> after = owners(all, candidates);
    for (std::size_t i = 0; i < kKeys; ++i) {
      if (after[i] == before[i]) continue;
      EXPECT_EQ(after[i], all[1].host) << key(i);
      ++moved;
    }
    before = after;
  }
  EXPECT_NEAR(moved, kPicks * (1.0 / 3 - 1.0 / 21), 250);
}

}  // namespace
}  // namespace viaduct::upstream

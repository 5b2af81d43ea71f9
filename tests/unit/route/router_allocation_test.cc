// SPDX-License-Identifier: Apache-2.0
// Counts what the heap is asked for while a request is routed: nothing, where its path is clean.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "route/router.h"
#include "support/routing.h"

namespace {

std::atomic<std::size_t> allocations{0};

void* allocate(std::size_t size) {
  ++allocations;
  void* bytes = std::malloc(size == 0 ? 1 : size);
  if (bytes == nullptr) std::abort();
  return bytes;
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void operator delete(void* bytes) noexcept {
  std::free(bytes);
}
void operator delete[](void* bytes) noexcept {
  std::free(bytes);
}
void operator delete(void* bytes, std::size_t) noexcept {
  std::free(bytes);
}
void operator delete[](void* bytes, std::size_t) noexcept {
  std::free(bytes);
}

namespace viaduct::route {
namespace {

using support::exact;
using support::make_route;
using support::prefix;
using support::regex;

TEST(RouterAllocation, IsNoneForCleanPathsAndNoneBeyondTheArenaForOthers) {
  config::Match conditions = prefix("/api/", {"GET", "POST"});
  conditions.headers["X-Mode"] = "a";
  conditions.query["q"] = "1 2";
  config::Config config;
  config.sites = {support::make_site(
      {"www.example.com", "*.example.com"},
      {make_route("exact", exact("/api/v1/payment/notify", {"POST"})), make_route("regex", regex("^/MP_verify_[a-z]+")),
       make_route("conditions", conditions), make_route("prefix", prefix("/"))},
      {"/api/v1/internal/", "/.git"})};
  const auto router = Router::build(config);
  ASSERT_TRUE(router);
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  http::Fields fields(arena);
  fields.add("X-Mode", "a");
  RequestView request;
  request.method = http::Method::kPost;
  request.method_text = "POST";
  request.authority = "a.WWW.example.com:8443";
  request.fields = &fields;
  const std::vector<std::string> targets = {
      "/api/v1/payment/notify",
      "/api/x?q=1%202",
      "/MP_verify_a.txt",
      "/",
      "/a/b/c/d/e/f/g?x=y",
      "/.git/config",
      "/a;b",
      "/%E6%94%AF",
      "/a%2Fb//../c\\",
      "/api/v1/x/../.%2e",
      "/.gi%00t",
      "/%zz",
  };
  for (int round = 0; round < 2; ++round) {
    // The first round lets RE2 build its automata.
    const std::size_t before = allocations;
    for (const std::string& target : targets) {
      request.target = target;
      static_cast<void>(router->decide(request, arena));
    }
    if (round == 1) {
      EXPECT_EQ(allocations - before, 0U);
    }
  }
}

}  // namespace
}  // namespace viaduct::route

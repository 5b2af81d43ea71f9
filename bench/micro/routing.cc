// SPDX-License-Identifier: Apache-2.0
// One decision of the router among many routes: it must not cost more where there are more.
#include "support/routing.h"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/check.h"

namespace viaduct::bench {
namespace {

// Half of the routes are exact paths, half are prefixes, and one takes all the rest.
std::vector<config::Route> make_routes(std::int64_t count) {
  std::vector<config::Route> routes = {support::make_route("rest", support::prefix("/"))};
  for (std::int64_t number = 1; number < count; ++number) {
    const std::string path = "/service-" + std::to_string(number / 2) + "/items";
    routes.push_back(support::make_route("route-" + std::to_string(number),
                                         number % 2 == 0 ? support::exact(path) : support::prefix(path + "/")));
  }
  return routes;
}

void decide(benchmark::State& state, const std::string& target) {
  const support::Scene scene(make_routes(state.range(0)), {"/.git", "/.env", "/api/internal/"});
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  http::Fields fields(arena);
  fields.add(http::FieldName::kHost, "host.test");
  const route::RequestView request = {.method = http::Method::kGet,
                                      .method_text = "GET",
                                      .target = target,
                                      .authority = "host.test",
                                      .version = http::Version::kHttp11,
                                      .fields = &fields};
  for (auto _ : state) {
    const route::Decision decision = scene.router().decide(request, arena);
    CHECK(decision.is_routed());
  }
}

void router_prefix(benchmark::State& state) {
  decide(state, "/service-" + std::to_string(state.range(0) / 4) + "/items/42?page=2");
}
BENCHMARK(router_prefix)->Arg(10)->Arg(1000)->Arg(10000);

void router_rest(benchmark::State& state) {
  decide(state, "/nothing/of/the/kind?page=2");
}
BENCHMARK(router_rest)->Arg(10)->Arg(1000)->Arg(10000);

}  // namespace
}  // namespace viaduct::bench

// SPDX-License-Identifier: Apache-2.0
// The list of header fields: what filters and codecs do with it for each message.
#include "http/fields.h"

#include <benchmark/benchmark.h>

namespace viaduct::bench {
namespace {

using http::FieldName;

// Twelve lines, as many as a browser sends.
void fill(http::Fields& fields) {
  for (const FieldName name : {FieldName::kHost, FieldName::kUserAgent, FieldName::kOrigin, FieldName::kReferer,
                               FieldName::kCookie, FieldName::kPriority})
    fields.add(name, "a value of middling length");
  for (const char* const name :
       {"Accept", "Accept-Language", "Accept-Encoding", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "X-Trace"})
    fields.add(name, "another value");
}

void fields_add(benchmark::State& state) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  for (auto _ : state) {
    http::Fields fields(arena);
    fill(fields);
    benchmark::DoNotOptimize(fields.begin());
    arena.clear();
  }
  state.SetItemsProcessed(state.iterations() * 12);
}
BENCHMARK(fields_add);

// The last line that has an id, and one that is not there: both see every line.
void fields_find_id(benchmark::State& state) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  http::Fields fields(arena);
  fill(fields);
  for (auto _ : state) {
    benchmark::DoNotOptimize(fields.find(FieldName::kPriority));
    benchmark::DoNotOptimize(fields.find(FieldName::kAuthorization));
  }
  state.SetItemsProcessed(state.iterations() * 2);
}
BENCHMARK(fields_find_id);

void fields_find_name(benchmark::State& state) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  http::Fields fields(arena);
  fill(fields);
  for (auto _ : state) {
    benchmark::DoNotOptimize(fields.find("x-trace"));
    benchmark::DoNotOptimize(fields.find("x-unknown"));
  }
  state.SetItemsProcessed(state.iterations() * 2);
}
BENCHMARK(fields_find_name);

// What "forwarded" does: one line replaced, one appended, one removed. The arena would grow, so it begins anew.
void fields_set_remove(benchmark::State& state) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  for (auto _ : state) {
    http::Fields fields(arena);
    fill(fields);
    fields.set(FieldName::kHost, "app.internal:8000");
    fields.set(FieldName::kXForwardedFor, "192.0.2.7");
    fields.remove(FieldName::kOrigin);
    benchmark::DoNotOptimize(fields.begin());
    arena.clear();
  }
}
BENCHMARK(fields_set_remove);

}  // namespace
}  // namespace viaduct::bench

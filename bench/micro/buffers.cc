// SPDX-License-Identifier: Apache-2.0
// Buffers as bodies meet them: bytes that are copied in, and bytes that only change hands.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/buffer.h"

namespace viaduct::bench {
namespace {

constexpr std::size_t kBodyBytes = 64 * 1024;

// A piece is copied to the end, and dropped again.
void buffer_append_drop(benchmark::State& state) {
  base::ChunkPool chunks;
  base::Buffer buffer(chunks);
  const std::string piece(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    buffer.append(piece);
    benchmark::DoNotOptimize(buffer.front().data());
    buffer.drop(piece.size());
  }
}
BENCHMARK(buffer_append_drop)->Arg(100)->Arg(1024)->Arg(16 * 1024);

// A body goes from one buffer to another and back, in runs of so many bytes.
void buffer_take(benchmark::State& state) {
  base::ChunkPool chunks;
  base::Buffer first(chunks);
  base::Buffer second(chunks);
  first.append(std::string(kBodyBytes, 'x'));
  const auto run = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    while (!first.empty()) second.take(first, std::min(run, first.size()));
    first.take_all(second);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBodyBytes / run));
}
BENCHMARK(buffer_take)->Arg(1024)->Arg(4096)->Arg(16 * 1024);

// What a read of 64 KiB into empty chunks costs beside the system call.
void buffer_reserve_commit(benchmark::State& state) {
  base::ChunkPool chunks;
  base::Buffer buffer(chunks);
  std::array<iovec, kBodyBytes / base::Chunk::kBytes> entries{};
  for (auto _ : state) {
    buffer.reserve_chunks(entries);
    buffer.commit_chunks(kBodyBytes);
    buffer.clear();
  }
}
BENCHMARK(buffer_reserve_commit);

}  // namespace
}  // namespace viaduct::bench

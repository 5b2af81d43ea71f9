// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 heads: bytes to a head that has been judged, and a head to bytes.
#include <benchmark/benchmark.h>

#include "base/check.h"
#include "codec/h1_head_reader.h"
#include "codec/h1_parser.h"
#include "codec/h1_writer.h"
#include "messages.h"

namespace viaduct::bench {
namespace {

using codec::H1Parser;
using codec::H1Progress;

// A parser with what stands around it.
struct Reader {
  explicit Reader(H1Parser::Kind kind) : parser(kind, limits) {}

  // Begins a message and takes its head.
  void read(std::string_view bytes, http::Fields& fields) {
    input.append(bytes);
    CHECK(parser.find_message(input));
    parser.begin(arena);
    CHECK(parser.parse_head(input, fields) == H1Progress::kDone);
  }
  bool read_request(http::RequestHead& head) {
    read(kRequest, head.fields);
    codec::copy_request_line(parser, head);
    return codec::read_request_head(head) == http::Reason::kNone;
  }
  bool read_response(http::ResponseHead& head) {
    read(kResponse, head.fields);
    return codec::read_response_head(parser, http::Method::kGet, head).has_value();
  }
  // Makes ready for the next message.
  void end() {
    parser.begin_body_sized(0);
    arena.clear();
  }

  codec::H1Limits limits;
  base::ChunkPool chunks;
  base::Arena arena{chunks};
  base::Buffer input{chunks};
  H1Parser parser;
};

void h1_read_request(benchmark::State& state) {
  Reader reader(H1Parser::Kind::kRequest);
  for (auto _ : state) {
    http::RequestHead head(reader.arena);
    CHECK(reader.read_request(head));
    reader.end();
  }
}
BENCHMARK(h1_read_request);

void h1_read_response(benchmark::State& state) {
  Reader reader(H1Parser::Kind::kResponse);
  for (auto _ : state) {
    http::ResponseHead head(reader.arena);
    CHECK(reader.read_response(head));
    reader.end();
  }
}
BENCHMARK(h1_read_response);

void h1_write_request(benchmark::State& state) {
  Reader reader(H1Parser::Kind::kRequest);
  http::RequestHead head(reader.arena);
  CHECK(reader.read_request(head));
  base::Buffer output(reader.chunks);
  for (auto _ : state) {
    CHECK(codec::write_request_head(head, codec::H1Framing::kNone, {}, output));
    output.clear();
  }
}
BENCHMARK(h1_write_request);

void h1_write_response(benchmark::State& state) {
  Reader reader(H1Parser::Kind::kResponse);
  http::ResponseHead head(reader.arena);
  CHECK(reader.read_response(head));
  base::Buffer output(reader.chunks);
  for (auto _ : state) {
    codec::write_response_head(head, codec::H1Framing::kSized, codec::H1Connection::kNothing, output);
    output.clear();
  }
}
BENCHMARK(h1_write_response);

}  // namespace
}  // namespace viaduct::bench

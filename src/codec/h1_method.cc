// SPDX-License-Identifier: Apache-2.0
#include "codec/h1_method.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "codec/h1_head_reader.h"
#include "codec/h1_parser.h"

namespace viaduct::codec {

http::Reason judge_h1_method(std::string_view method) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  base::Buffer input(chunks);
  input.append(method);
  input.append(" / HTTP/1.1\r\nHost: a\r\n\r\n");
  const H1Limits limits;
  H1Parser parser(H1Parser::Kind::kRequest, limits);
  if (!parser.find_message(input)) return http::Reason::kMalformedRequestLine;
  parser.begin(arena);
  http::RequestHead head(arena);
  const H1Progress progress = parser.parse_head(input, head.fields);
  copy_request_line(parser, head);
  return progress == H1Progress::kDone ? read_request_head(head) : refusal_of(parser, head);
}

}  // namespace viaduct::codec

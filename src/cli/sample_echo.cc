// SPDX-License-Identifier: Apache-2.0
#include "cli/sample_echo.h"

namespace viaduct::cli {

using Event = WebsocketReader::Event;

bool SampleEcho::take(base::Buffer& input, base::Buffer& out) {
  while (!is_over_) {
    switch (reader_.read(input)) {
      case Event::kMore: return true;
      case Event::kMessage: {
        const auto opcode = reader_.is_text() ? WebsocketOpcode::kText : WebsocketOpcode::kBinary;
        write_websocket_frame(opcode, reader_.payload(), out);
        break;
      }
      case Event::kPing: write_websocket_frame(WebsocketOpcode::kPong, reader_.payload(), out); break;
      case Event::kPong: break;
      case Event::kClose:
      case Event::kBroken: {
        write_websocket_close(reader_.close_code(), {}, out);
        is_over_ = true;
        break;
      }
    }
  }
  input.clear();
  return false;
}

}  // namespace viaduct::cli

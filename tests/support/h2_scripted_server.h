// SPDX-License-Identifier: Apache-2.0
// A ScriptedServer that speaks HTTP/2 without TLS: greets, keeps what each connection brought as lines of text, and
// answers when it is told to. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/h2_client_wire.h"
#include "support/scripted_server.h"

namespace viaduct::support {

// One connection as its server reads it.
class H2ServerEnd {
 public:
  explicit H2ServerEnd(ScriptedConnection& connection) : connection_(&connection) {}

  ScriptedConnection& connection() { return *connection_; }
  void send(std::string_view frames) { connection_->send(frames); }
  // HEADERS, DATA, RST_STREAM and GOAWAY since the last call, joined by " | ".
  std::string take_text() { return std::exchange(text_, {}); }
  const std::string& text() const { return text_; }
  const std::string& body(std::int32_t stream) { return reading_.bodies[stream]; }
  // Streams whose request is whole, in the order of their ends.
  std::vector<std::int32_t> whole;

  // Reads what the connection has brought.
  void read() {
    std::string bytes = std::exchange(connection_->received, {});
    if (!is_begun_) {
      if (bytes.size() < kH2Magic.size()) {
        connection_->received = std::move(bytes);
        return;
      }
      CHECK(bytes.starts_with(kH2Magic));
      bytes.erase(0, kH2Magic.size());
      is_begun_ = true;
    }
    reading_.add(bytes);
    for (const std::string& line : reading_.lines()) note(line);
    reading_.take_text();
  }

 private:
  void note(const std::string& line) {
    if (line.starts_with("SETTINGS") || line.starts_with("WINDOW_UPDATE") || line.starts_with("PING")) return;
    text_.append(text_.empty() ? "" : " | ").append(line);
    if (line.ends_with(" end")) whole.push_back(std::stoi(line.substr(line.find(' ') + 1)));
  }

  ScriptedConnection* connection_;
  H2Reading reading_;
  bool is_begun_ = false;
  std::string text_;
};

class H2ScriptedServer {
 public:
  explicit H2ScriptedServer(net::Loop& loop) : server(loop) {
    server.on_bytes = [this](ScriptedConnection& connection) { take(connection); };
  }

  ScriptedServer server;
  std::vector<std::pair<std::uint16_t, std::uint32_t>> settings;  // of connections to come
  bool answers = false;                                           // every whole request with 200 "ok"
  std::function<void(H2ServerEnd&, std::int32_t)> on_request;     // a request is whole, on that stream
  std::vector<std::unique_ptr<H2ServerEnd>> ends;                 // of connections that have brought bytes

  H2ServerEnd& last() { return *ends.back(); }

 private:
  void take(ScriptedConnection& connection) {
    H2ServerEnd& end = end_of(connection);
    const std::size_t before = end.whole.size();
    end.read();
    for (std::size_t i = before; i < end.whole.size(); ++i) {
      if (answers) end.send(h2_ok(end.whole[i]));
      if (on_request) on_request(end, end.whole[i]);
    }
  }
  H2ServerEnd& end_of(ScriptedConnection& connection) {
    for (const auto& end : ends) {
      if (&end->connection() == &connection) return *end;
    }
    H2ServerEnd& end = *ends.emplace_back(std::make_unique<H2ServerEnd>(connection));
    end.send(h2_greeting(settings));
    return end;
  }
};

}  // namespace viaduct::support

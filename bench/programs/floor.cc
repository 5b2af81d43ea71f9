// SPDX-License-Identifier: Apache-2.0
// The least that a proxy can do: epoll, recv and send on both sides, TLS where it is asked for, and no look at the
// bytes. What a real proxy costs beyond it is parsing, deciding, rewriting and logging, so results read "x times the
// floor". It moves at most 64 KiB a read, as the peers do by default.
//
//   bench_floor --port N --upstream N [--tls CERTIFICATE --key KEY] [--upstream-tls]     passes bytes on
//   bench_floor --port N --answer BYTES [--tls CERTIFICATE --key KEY] [--release-buffers]
//                                                  answers whatever comes in one read with so many bytes from memory
#include <sys/epoll.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "wire.h"

namespace viaduct::bench {
namespace {

constexpr std::size_t kReadBytes = 65536;

class Floor;

// One end of a pair: a client or the upstream connection that carries its bytes. An upstream connection whose client
// has gone waits, without `other`, for the next client.
class End final : public Handler {
 public:
  End(Floor& floor, Wire wire, bool is_client) : floor_(floor), wire_(std::move(wire)), is_client_(is_client) {}
  void on_ready(std::uint32_t events) override;
  Wire& wire() { return wire_; }
  bool is_client() const { return is_client_; }
  // True when no byte for or from an earlier client is under way, as far as one can know without parsing. What comes
  // later closes a connection that waits.
  bool is_reusable() const { return !answer_is_due && watched_ == EPOLLIN; }

  End* other = nullptr;
  bool is_closed = false;      // retired; an event of the same turn may still come
  bool answer_is_due = false;  // of an upstream connection: bytes were sent, none came back yet

 private:
  void take(std::string_view bytes);
  bool flush();
  void watch(std::uint32_t events);

  Floor& floor_;
  Wire wire_;
  const bool is_client_;
  std::uint32_t watched_ = EPOLLIN;
  std::string unsent_;  // what the socket did not take; the other end is not read meanwhile
};

class Floor final : public Handler {
 public:
  explicit Floor(const Options& options);
  void on_ready(std::uint32_t events) override;
  [[noreturn]] void run() { loop_.run(); }

  Loop& loop() { return loop_; }
  char* buffer() { return buffer_.data(); }
  const std::string& answer() const { return answer_; }
  void attach_upstream(End& client);
  void close(End& end);

 private:
  Loop loop_;
  Descriptor listener_;
  TlsContext client_side_;
  TlsContext upstream_side_;
  std::uint32_t upstream_port_;
  std::string answer_;
  std::vector<char> buffer_ = std::vector<char>(kReadBytes);
  std::vector<End*> idle_;
};

void End::watch(std::uint32_t events) {
  if (events == watched_) return;
  watched_ = events;
  floor_.loop().change(wire_.fd(), events, *this);
}

bool End::flush() {
  const Wire::Moved moved = wire_.write(unsent_);
  unsent_.erase(0, moved.bytes);
  return !moved.closed;
}

void End::take(std::string_view bytes) {
  while (unsent_.empty() && !bytes.empty()) {
    const Wire::Moved moved = wire_.write(bytes);
    bytes.remove_prefix(moved.bytes);
    if (moved.bytes == 0) unsent_ = bytes;
  }
  if (unsent_.empty()) return;
  watch(EPOLLIN | EPOLLOUT);
  if (other != nullptr) other->watch(0);
}

void End::on_ready(std::uint32_t events) {
  if (is_closed) return;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) return floor_.close(*this);
  if (!unsent_.empty()) {
    if (!flush()) return floor_.close(*this);
    if (!unsent_.empty()) return;
    watch(EPOLLIN);
    if (other == nullptr) return;
    other->watch(EPOLLIN);
    // What TLS has read before it was told to wait, no event will announce.
    if (other->wire_.has_pending()) other->on_ready(EPOLLIN);
    return;
  }
  while (other == nullptr || other->unsent_.empty()) {
    const Wire::Moved moved = wire_.read(floor_.buffer(), kReadBytes);
    if (moved.closed) return floor_.close(*this);
    if (moved.bytes == 0) return;
    if (!floor_.answer().empty()) {
      take(floor_.answer());
    } else {
      if (other == nullptr && !is_client_) return floor_.close(*this);
      if (other == nullptr) floor_.attach_upstream(*this);
      (is_client_ ? other : this)->answer_is_due = is_client_;
      other->take({floor_.buffer(), moved.bytes});
    }
    if (!wire_.has_pending()) return;
  }
}

Floor::Floor(const Options& options)
    : listener_(listen_on(options.number("port"))), upstream_port_(options.number("upstream")) {
  if (options.is_set("tls")) {
    client_side_ = make_server_context(options.text("tls"), options.text("key"), options.is_set("release-buffers"));
  }
  if (options.is_set("upstream-tls")) upstream_side_ = make_client_context();
  if (const std::uint32_t bytes = options.number("answer"); bytes > 0) {
    answer_ = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'x');
  }
  loop_.add(listener_.get(), EPOLLIN, *this);
}

void Floor::on_ready(std::uint32_t /*events*/) {
  Descriptor socket = accept_from(listener_);
  if (socket.get() == -1) return;
  auto client = std::make_unique<End>(*this, Wire(std::move(socket), client_side_.get(), true), true);
  loop_.add(client->wire().fd(), EPOLLIN, *client);
  client.release();  // NOLINT(bugprone-unused-return-value): epoll holds it until close()
}

void Floor::attach_upstream(End& client) {
  if (idle_.empty()) {
    auto upstream = std::make_unique<End>(*this, Wire(connect_to(upstream_port_), upstream_side_.get(), false), false);
    loop_.add(upstream->wire().fd(), EPOLLIN, *upstream);
    idle_.push_back(upstream.release());
  }
  client.other = idle_.back();
  idle_.pop_back();
  client.other->other = &client;
}

void Floor::close(End& end) {
  End* const other = std::exchange(end.other, nullptr);
  if (other == nullptr) {
    std::erase(idle_, &end);
  } else {
    other->other = nullptr;
    if (end.is_client() && other->is_reusable()) {
      idle_.push_back(other);
    } else {
      close(*other);
    }
  }
  end.is_closed = true;
  loop_.retire(std::unique_ptr<End>(&end));
}

}  // namespace
}  // namespace viaduct::bench

int main(int count, char** arguments) {
  const viaduct::bench::Options options(count, arguments,
                                        {{"port", ""},
                                         {"upstream", ""},
                                         {"tls", ""},
                                         {"key", ""},
                                         {"answer", ""},
                                         {"upstream-tls", ""},
                                         {"release-buffers", ""}});
  std::signal(SIGPIPE, SIG_IGN);
  viaduct::bench::Floor(options).run();
}

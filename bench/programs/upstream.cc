// SPDX-License-Identifier: Apache-2.0
// The upstream behind all peers: HTTP/1.1 with just enough parsing to be strict where a benchmark goes wrong. It
// answers only after it has read the whole body (an nginx with `return` answers before that), and it is cheap, so that
// it and the load together need less of their core than a proxy of its own.
//
//   bench_upstream --port N --tls-port N --tls CERTIFICATE --key KEY
//
//   /probe      what arrived: X-Forwarded-For|X-Forwarded-Proto|the number of this request on its connection
//   /accepted   connections accepted so far, this one included
//   /download   10 MiB
//   other       1 KiB; to a POST the length of its body in bytes, as text
#include <strings.h>
#include <sys/epoll.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "wire.h"

namespace viaduct::bench {
namespace {

constexpr std::size_t kReadBytes = 262144;
constexpr std::size_t kHeadBytesMax = 65536;
constexpr std::size_t kAnswerBytes = 1024;
constexpr std::size_t kDownloadBytes = 10485760;

std::string answer_of(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

// The value of a field, empty without it.
std::string_view field(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
    const std::size_t value = line.find_first_not_of(' ', name.size() + 1);
    return value == std::string_view::npos ? std::string_view() : line.substr(value);
  }
  return {};
}

// One listening port with what all its connections share.
class Server final : public Handler {
 public:
  Server(Loop& loop, std::uint32_t port, TlsContext context, std::uint64_t& accepted);
  void on_ready(std::uint32_t events) override;
  Loop& loop() { return loop_; }
  char* buffer() { return buffer_.data(); }
  std::uint64_t accepted() const { return accepted_; }
  const std::string& answer() const { return answer_; }
  const std::string& download() const { return download_; }

 private:
  Loop& loop_;
  Descriptor listener_;
  TlsContext context_;
  std::uint64_t& accepted_;
  std::vector<char> buffer_ = std::vector<char>(kReadBytes);
  const std::string answer_ = answer_of(std::string(kAnswerBytes, 'x'));
  const std::string download_ = answer_of(std::string(kDownloadBytes, 'x'));
};

class Connection final : public Handler {
 public:
  Connection(Server& server, Wire wire) : server_(server), wire_(std::move(wire)) {}
  void on_ready(std::uint32_t events) override;
  int fd() const { return wire_.fd(); }

 private:
  void take(std::string_view bytes);
  void take_head(std::string_view head);
  void send_answer();
  bool flush();
  void watch(std::uint32_t events);

  Server& server_;
  Wire wire_;
  std::string head_;              // the head so far, where it came in pieces
  std::uint64_t body_bytes_ = 0;  // of the request
  std::uint64_t body_left_ = 0;
  std::uint64_t requests_ = 0;
  std::string target_;
  std::string made_;  // an answer made for this request
  std::string_view unsent_;
  std::uint32_t watched_ = EPOLLIN;
  bool ends_ = false;        // the request asks for the connection's end
  bool is_refused_ = false;  // a request that this program does not understand
};

void Connection::on_ready(std::uint32_t events) {
  bool open = (events & (EPOLLERR | EPOLLHUP)) == 0 && flush();
  while (open) {
    const Wire::Moved moved = wire_.read(server_.buffer(), kReadBytes);
    if (moved.bytes > 0) take({server_.buffer(), moved.bytes});
    open = !moved.closed && flush() && !is_refused_ && !(ends_ && unsent_.empty() && body_left_ == 0);
    if (moved.bytes == 0 || !wire_.has_pending()) break;
  }
  if (!open) server_.loop().retire(std::unique_ptr<Connection>(this));
}

// Requests come one after another; nobody pipelines here.
void Connection::take(std::string_view bytes) {
  if (body_left_ == 0) {
    head_ += bytes;
    const std::size_t end = head_.find("\r\n\r\n");
    if (end == std::string::npos) {
      is_refused_ = head_.size() > kHeadBytesMax;
      return;
    }
    take_head(std::string_view(head_).substr(0, end + 2));
    bytes = bytes.substr(bytes.size() - (head_.size() - end - 4));
    head_.clear();
  }
  is_refused_ = is_refused_ || bytes.size() > body_left_;
  body_left_ -= std::min<std::uint64_t>(body_left_, bytes.size());
  if (body_left_ == 0 && !is_refused_) send_answer();
}

void Connection::take_head(std::string_view head) {
  ++requests_;
  const std::size_t method_end = head.find(' ');
  target_ = head.substr(method_end + 1, head.find(' ', method_end + 1) - method_end - 1);
  body_bytes_ = body_left_ = std::strtoull(std::string(field(head, "content-length")).c_str(), nullptr, 10);
  ends_ = field(head, "connection") == "close" || head.find("HTTP/1.0\r\n") != std::string_view::npos;
  is_refused_ = !field(head, "transfer-encoding").empty();  // every peer is told the length, and passes it on
  made_.clear();
  if (target_ == "/probe") {
    made_ = answer_of(std::string(field(head, "x-forwarded-for")) + "|" +
                      std::string(field(head, "x-forwarded-proto")) + "|" + std::to_string(requests_));
  } else if (target_ == "/accepted") {
    made_ = answer_of(std::to_string(server_.accepted()));
  } else if (head.starts_with("POST ")) {
    made_ = answer_of(std::to_string(body_bytes_));
  }
}

void Connection::send_answer() {
  unsent_ = !made_.empty() ? std::string_view(made_) : target_ == "/download" ? server_.download() : server_.answer();
}

// False when the connection has gone.
bool Connection::flush() {
  while (!unsent_.empty()) {
    const Wire::Moved moved = wire_.write(unsent_);
    if (moved.closed) return false;
    unsent_.remove_prefix(moved.bytes);
    if (moved.bytes == 0) break;
  }
  watch(unsent_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
  return true;
}

void Connection::watch(std::uint32_t events) {
  if (events == watched_) return;
  watched_ = events;
  server_.loop().change(wire_.fd(), events, *this);
}

Server::Server(Loop& loop, std::uint32_t port, TlsContext context, std::uint64_t& accepted)
    : loop_(loop), listener_(listen_on(port)), context_(std::move(context)), accepted_(accepted) {
  loop_.add(listener_.get(), EPOLLIN, *this);
}

void Server::on_ready(std::uint32_t /*events*/) {
  Descriptor socket = accept_from(listener_);
  if (socket.get() == -1) return;
  ++accepted_;
  auto connection = std::make_unique<Connection>(*this, Wire(std::move(socket), context_.get(), true));
  const int fd = connection->fd();
  loop_.add(fd, EPOLLIN, *connection.release());
}

}  // namespace
}  // namespace viaduct::bench

int main(int count, char** arguments) {
  using namespace viaduct::bench;
  const Options options(count, arguments, {{"port", ""}, {"tls-port", ""}, {"tls", ""}, {"key", ""}});
  std::signal(SIGPIPE, SIG_IGN);
  Loop loop;
  std::uint64_t accepted = 0;
  const Server plain(loop, options.number("port"), nullptr, accepted);
  const Server tls(loop, options.number("tls-port"),
                   make_server_context(options.text("tls"), options.text("key"), false), accepted);
  loop.run();
}

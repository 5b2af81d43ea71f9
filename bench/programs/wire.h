// SPDX-License-Identifier: Apache-2.0
// What the programs of the benchmark share: an epoll loop, loopback sockets, and one face for a socket with TLS or
// without. Everything is IPv4 loopback and used by one thread. The programs exit with a message where a server would
// answer an error: a benchmark that goes on after a failure measures something else.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::bench {

using Clock = std::chrono::steady_clock;

// Prints `what`, with errno's text where that is set, and exits with 1.
[[noreturn]] void fail(const std::string& what);

// `--name value` pairs of a command line; `--name` without a value is "1". `defaults` names all that are known.
class Options {
 public:
  Options(int count, char** arguments, std::map<std::string, std::string> defaults);
  const std::string& text(const std::string& name) const;
  std::uint32_t number(const std::string& name) const;
  bool is_set(const std::string& name) const { return !text(name).empty(); }

 private:
  std::map<std::string, std::string> values_;
};

// A descriptor, closed at the end of its life.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return fd_; }

 private:
  int fd_;
};

// Whoever waits for a descriptor. Must outlive its registration, and is freed by Loop::retire().
class Handler {
 public:
  Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  virtual ~Handler() = default;
  // `events` are those of epoll(7).
  virtual void on_ready(std::uint32_t events) = 0;
};

// Level-triggered epoll. Descriptors leave it by being closed.
class Loop {
 public:
  Loop();
  void add(int fd, std::uint32_t events, Handler& handler);
  void change(int fd, std::uint32_t events, Handler& handler);
  // Frees `handler` at the end of the turn; it may stand on the stack now.
  void retire(std::unique_ptr<Handler> handler) { retired_.push_back(std::move(handler)); }
  // Waits for events until `deadline` at the latest, and handles them.
  void turn(Clock::time_point deadline);
  // Turns for ever.
  [[noreturn]] void run();

 private:
  Descriptor epoll_;
  std::vector<std::unique_ptr<Handler>> retired_;
};

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, ContextDeleter>;

// TLS 1.2 and 1.3 with one ticket a handshake. `release_buffers` gives up OpenSSL's buffers of idle connections.
TlsContext make_server_context(const std::string& certificate, const std::string& key, bool release_buffers);
// Verifies nothing: the certificates of a benchmark are its own.
TlsContext make_client_context();

// Listening on 127.0.0.1, not blocking.
Descriptor listen_on(std::uint32_t port);
// A connection accepted from `listener`, not blocking; empty when none waits.
Descriptor accept_from(const Descriptor& listener);
// Begins to connect to 127.0.0.1. `number` chooses the source address out of 127.0.0.1 to 127.0.0.64, since one
// address has some 28,000 ports and closed connections keep theirs for a minute.
Descriptor connect_to(std::uint32_t port, std::uint32_t number = 0);

// A socket, under TLS where a context is given. The handshake happens inside the first read or write.
class Wire {
 public:
  // Bytes moved; none when it must wait for the next event, or when the other side has closed.
  struct Moved {
    std::size_t bytes = 0;
    bool closed = false;
  };

  Wire(Descriptor socket, SSL_CTX* context, bool is_server);
  int fd() const { return socket_.get(); }
  SSL* tls() const { return tls_.get(); }
  Moved read(char* to, std::size_t size);
  Moved write(std::string_view bytes);
  // True while bytes that arrived wait inside TLS, of which epoll tells nothing.
  bool has_pending() const { return tls_ && SSL_has_pending(tls_.get()) == 1; }
  // Says that no more will be sent, without waiting for the answer.
  void close_notify();

 private:
  struct TlsDeleter {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };
  Moved tls_moved(int result, std::size_t bytes);

  Descriptor socket_;
  std::unique_ptr<SSL, TlsDeleter> tls_;
};

}  // namespace viaduct::bench

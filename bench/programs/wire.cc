// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace viaduct::bench {
namespace {

constexpr int kEventsOfATurn = 256;
constexpr int kBacklog = 4096;
constexpr std::uint32_t kSourceAddresses = 64;

sockaddr_in loopback(std::uint32_t port, std::uint32_t number = 0) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number);
  return address;
}

const sockaddr* as_sockaddr(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

void set_option(const Descriptor& socket, int level, int option) {
  const int one = 1;
  if (setsockopt(socket.get(), level, option, &one, sizeof one) == -1) fail("setsockopt");
}

}  // namespace

void fail(const std::string& what) {
  std::fprintf(stderr, "%s%s%s\n", what.c_str(), errno == 0 ? "" : ": ", errno == 0 ? "" : std::strerror(errno));
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

Options::Options(int count, char** arguments, std::map<std::string, std::string> defaults)
    : values_(std::move(defaults)) {
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    const auto found = values_.find(name.starts_with("--") ? name.substr(2) : "");
    errno = 0;
    if (found == values_.end()) fail("unknown option " + name);
    const bool has_value = i + 1 < count && !std::string_view(arguments[i + 1]).starts_with("--");
    found->second = has_value ? arguments[++i] : "1";
  }
}

const std::string& Options::text(const std::string& name) const {
  return values_.at(name);
}

std::uint32_t Options::number(const std::string& name) const {
  return static_cast<std::uint32_t>(std::strtoul(text(name).c_str(), nullptr, 10));
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ != -1) close(fd_);
}

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

void Loop::add(int fd, std::uint32_t events, Handler& handler) {
  epoll_event event{.events = events, .data = {.ptr = &handler}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == -1) fail("epoll_ctl");
}

void Loop::change(int fd, std::uint32_t events, Handler& handler) {
  epoll_event event{.events = events, .data = {.ptr = &handler}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == -1) fail("epoll_ctl");
}

void Loop::turn(Clock::time_point deadline) {
  timespec* limit = nullptr;
  timespec left{};
  if (deadline != Clock::time_point::max()) {
    const auto ns = std::max<std::int64_t>(0, std::chrono::nanoseconds(deadline - Clock::now()).count());
    left = {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
    limit = &left;
  }
  std::array<epoll_event, kEventsOfATurn> events;
  const int count = epoll_pwait2(epoll_.get(), events.data(), kEventsOfATurn, limit, nullptr);
  if (count == -1 && errno != EINTR) fail("epoll_pwait2");
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    static_cast<Handler*>(event.data.ptr)->on_ready(event.events);
  }
  retired_.clear();
}

void Loop::run() {
  while (true) turn(Clock::time_point::max());
}

TlsContext make_server_context(const std::string& certificate, const std::string& key, bool release_buffers) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_num_tickets(context.get(), 1);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(context.get(), 1);  // one system call a record instead of two
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (release_buffers) SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  errno = 0;
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
    fail("cannot use " + certificate + " and " + key);
  }
  return context;
}

TlsContext make_client_context() {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

Descriptor listen_on(std::uint32_t port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  set_option(socket, SOL_SOCKET, SO_REUSEADDR);
  const sockaddr_in address = loopback(port);
  if (bind(socket.get(), as_sockaddr(address), sizeof address) == -1) fail("bind");
  if (listen(socket.get(), kBacklog) == -1) fail("listen");
  return socket;
}

Descriptor accept_from(const Descriptor& listener) {
  Descriptor socket(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket.get() != -1) set_option(socket, IPPROTO_TCP, TCP_NODELAY);
  if (socket.get() == -1 && errno != EAGAIN && errno != ECONNABORTED) fail("accept");
  return socket;
}

Descriptor connect_to(std::uint32_t port, std::uint32_t number) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() == -1) fail("socket");
  set_option(socket, IPPROTO_TCP, TCP_NODELAY);
  set_option(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
  const sockaddr_in from = loopback(0, number % kSourceAddresses);
  if (bind(socket.get(), as_sockaddr(from), sizeof from) == -1) fail("bind");
  const sockaddr_in address = loopback(port);
  if (connect(socket.get(), as_sockaddr(address), sizeof address) == -1 && errno != EINPROGRESS) fail("connect");
  return socket;
}

Wire::Wire(Descriptor socket, SSL_CTX* context, bool is_server) : socket_(std::move(socket)) {
  if (context == nullptr) return;
  tls_.reset(SSL_new(context));
  SSL_set_fd(tls_.get(), fd());
  if (is_server) {
    SSL_set_accept_state(tls_.get());
  } else {
    SSL_set_connect_state(tls_.get());
  }
}

Wire::Moved Wire::tls_moved(int result, std::size_t bytes) {
  if (result == 1) return {.bytes = bytes};
  const int error = SSL_get_error(tls_.get(), result);
  ERR_clear_error();
  return {.closed = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE};
}

Wire::Moved Wire::read(char* to, std::size_t size) {
  std::size_t bytes = 0;
  if (tls_) {
    const int result = SSL_read_ex(tls_.get(), to, size, &bytes);
    return tls_moved(result, bytes);
  }
  const ssize_t count = recv(fd(), to, size, 0);
  if (count > 0) return {.bytes = static_cast<std::size_t>(count)};
  return {.closed = count == 0 || errno != EAGAIN};
}

Wire::Moved Wire::write(std::string_view bytes) {
  if (bytes.empty()) return {};
  std::size_t written = 0;
  if (tls_) {
    const int result = SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &written);
    return tls_moved(result, written);
  }
  const ssize_t count = send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return {.bytes = static_cast<std::size_t>(count)};
  return {.closed = errno != EAGAIN && errno != ENOTCONN};
}

void Wire::close_notify() {
  if (tls_) SSL_shutdown(tls_.get());
  ERR_clear_error();
}

}  // namespace viaduct::bench

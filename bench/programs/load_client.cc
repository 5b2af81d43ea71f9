// SPDX-License-Identifier: Apache-2.0
#include "load_client.h"

#include <strings.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace viaduct::bench {
namespace {

constexpr std::size_t kReadBytes = 262144;
constexpr std::size_t kShownBytes = 200;  // of an answer that fails
constexpr std::string_view kLength = "\r\ncontent-length:";

int keep_session(SSL* tls, SSL_SESSION* session) {
  static_cast<Target*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls)))->session.reset(session);
  return 1;  // the session is ours now
}

// The bodies of answers are dropped where they arrive.
std::array<char, kReadBytes>& read_buffer() {
  static std::array<char, kReadBytes> buffer;
  return buffer;
}

// The value of Content-Length in a head that ends with an empty line; fails without one.
std::uint64_t content_length(const std::string& head) {
  for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
    if (strncasecmp(head.data() + at, kLength.data(), kLength.size()) == 0) {
      return std::strtoull(head.data() + at + kLength.size(), nullptr, 10);
    }
  }
  errno = 0;
  fail("an answer without Content-Length: " + head);
}

}  // namespace

TlsContext make_load_context(Target& target, const std::string& version) {
  TlsContext context = make_client_context();
  if (version == "1.2") SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  if (version == "1.3") SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  // Thousands of connections would hold 35 KiB each.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_app_data(context.get(), &target);
  if (target.resumes) {
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context.get(), keep_session);
  } else {
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  }
  return context;
}

void Client::open() {
  wire_.emplace(connect_to(target_.port, number_), target_.context.get(), false);
  if (wire_->tls() != nullptr) {
    // SSL_set_tlsext_host_name() is a macro with casts of C.
    SSL_ctrl(wire_->tls(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, target_.name.data());
    if (target_.session) {
      // OpenSSL marks a TLS 1.3 session as used up when a handshake with it ends; others are under way with it.
      const std::unique_ptr<SSL_SESSION, SessionDeleter> copy(SSL_SESSION_dup(target_.session.get()));
      SSL_set_session(wire_->tls(), copy.get());
    }
  }
  watched_ = EPOLLIN | EPOLLOUT;
  loop_.add(wire_->fd(), watched_, *this);
  head_.clear();
  unsent_ = target_.request;
  due_ = Clock::now();
  is_waiting_ = true;
}

void Client::send(Clock::time_point due) {
  unsent_ = target_.request;
  due_ = due;
  is_waiting_ = true;
  flush();
}

void Client::close() {
  wire_->close_notify();
  wire_.reset();
}

void Client::flush() {
  while (!unsent_.empty()) {
    const Wire::Moved moved = wire_->write(unsent_);
    errno = moved.closed ? errno : 0;
    if (moved.closed) fail("the connection broke while a request was sent");
    unsent_.remove_prefix(moved.bytes);
    moved_bytes_ += moved.bytes;
    if (moved.bytes == 0) break;
  }
  // A handshake waits for the other side, and a socket that may be written would wake us at once.
  const bool in_handshake = wire_->tls() != nullptr && SSL_in_init(wire_->tls()) == 1;
  watch(unsent_.empty() || in_handshake ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

void Client::watch(std::uint32_t events) {
  if (events == watched_) return;
  watched_ = events;
  loop_.change(wire_->fd(), events, *this);
}

void Client::on_ready(std::uint32_t /*events*/) {
  if (!wire_) return;
  flush();
  // A read could end the handshake, and no event would come for the request that waits behind it.
  if (!unsent_.empty()) return;
  bool answered = false;
  while (!answered) {
    const Wire::Moved moved = wire_->read(read_buffer().data(), kReadBytes);
    if (moved.closed) {
      errno = 0;
      if (is_waiting_) fail("the server closed a connection on which an answer was due");
      wire_.reset();
      return events_.on_closed(*this);
    }
    if (moved.bytes > 0) answered = take({read_buffer().data(), moved.bytes});
    if (moved.bytes == 0 || !wire_->has_pending()) break;
  }
  if (!answered) return;
  is_waiting_ = false;
  ++answers_;
  events_.on_answer(*this, Clock::now() - due_);
}

// True when the answer is whole.
bool Client::take(std::string_view bytes) {
  if (!is_waiting_) fail("bytes for which nobody has asked");
  moved_bytes_ += bytes.size();
  if (body_left_ == 0) {
    head_ += bytes;
    const std::size_t end = head_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    bytes = bytes.substr(bytes.size() - (head_.size() - end - 4));
    head_.resize(end + 2);
    take_head();
  }
  if (bytes.size() > body_left_) fail("more bytes than Content-Length says");
  body_left_ -= bytes.size();
  return body_left_ == 0;
}

void Client::take_head() {
  errno = 0;
  if (!head_.starts_with("HTTP/1.1 200 ")) fail("an answer that is not 200: " + head_.substr(0, kShownBytes));
  body_left_ = content_length(head_);
  head_.clear();
}

}  // namespace viaduct::bench

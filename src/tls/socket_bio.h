// SPDX-License-Identifier: Apache-2.0
// What OpenSSL reads from and writes to in place of a socket: a BIO that receives from the socket, remembers how that
// ended instead of telling OpenSSL, and collects what OpenSSL sends, so that a handshake's flight or several records
// leave in one system call. Owned by a TlsTransport. One thread.
#pragma once

#include "base/buffer.h"
#include "net/transport.h"
#include "tls/openssl_ptr.h"

namespace viaduct::tls {

class SocketBio {
 public:
  // What OpenSSL may answer to what it reads, and nobody has taken yet, before it gets nothing more to read.
  static constexpr std::size_t kAnswerBytesMax = 4 * 1024;
  // A renegotiation that the other side asks for is refused by an alert. Honest ones ask once; more than this many, and
  // the connection is taken for broken.
  static constexpr int kRenegotiationsMax = 3;

  // Neither owns `fd` nor closes it. `pool` must outlive this object.
  SocketBio(int fd, base::ChunkPool& pool) : fd_(fd), unsent_(pool) {}
  SocketBio(const SocketBio&) = delete;
  SocketBio& operator=(const SocketBio&) = delete;

  // Makes `ssl` use this object, which must outlive it.
  void attach(SSL& ssl);

  // Lets OpenSSL ask the socket again. Until then a socket that gave less than there was room for is taken for empty,
  // which saves the read(2) that would only say so; the loop tells when there is more.
  void begin_read() { is_dry_ = false; }
  bool is_dry() const { return is_dry_; }
  // How reading from the socket stands: kOk, kTruncated (it gave FIN) or kFailed (see error_number()).
  net::IoStatus read_status() const { return read_status_; }
  // While OpenSSL reads for the owner: what it writes then are answers that nobody asked for.
  void set_answering(bool answering) { is_answering_ = answering; }
  // Whether more than kAnswerBytesMax of them wait: OpenSSL gets nothing to read until flush() gave kOk.
  bool is_choked() const { return answer_bytes_ > kAnswerBytesMax; }
  // Whether there were more than kRenegotiationsMax. read_status() is kFailed then, and nothing is sent any more.
  bool is_flooded() const { return renegotiations_ > kRenegotiationsMax; }
  // errno of what failed.
  int error_number() const { return error_number_; }

  bool has_unsent() const { return !unsent_.empty(); }
  // Sends what OpenSSL wrote. kOk: all of it.
  net::IoStatus flush();
  void clear() { unsent_.clear(); }

 private:
  static const BIO_METHOD* method();
  int receive(char* into, int size);
  static int on_read(BIO* bio, char* into, int size);
  static int on_write(BIO* bio, const char* bytes, int size);
  static void on_event(const SSL* ssl, int event, int value);
  static long on_control(BIO* bio, int command, long number, void* pointer);

  int fd_;
  base::Buffer unsent_;
  bool is_dry_ = false;
  bool is_answering_ = false;
  int renegotiations_ = 0;        // refused
  std::size_t answer_bytes_ = 0;  // written while answering, since all was sent last
  net::IoStatus read_status_ = net::IoStatus::kOk;
  int error_number_ = 0;
};

}  // namespace viaduct::tls

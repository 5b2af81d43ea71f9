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
  static long on_control(BIO* bio, int command, long number, void* pointer);

  int fd_;
  base::Buffer unsent_;
  bool is_dry_ = false;
  net::IoStatus read_status_ = net::IoStatus::kOk;
  int error_number_ = 0;
};

}  // namespace viaduct::tls

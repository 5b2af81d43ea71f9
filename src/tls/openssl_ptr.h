// SPDX-License-Identifier: Apache-2.0
// Owning pointers to OpenSSL's objects, so that each has one owner and one place where it is freed. An SSL holds a
// reference to its SSL_CTX, which therefore lives as long as its last connection.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace viaduct::tls {

template <auto Release>
struct ReleaseWith {
  template <typename T>
  void operator()(T* object) const {
    Release(object);
  }
};

using BioPtr = std::unique_ptr<BIO, ReleaseWith<BIO_free_all>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, ReleaseWith<EVP_PKEY_free>>;
using SslPtr = std::unique_ptr<SSL, ReleaseWith<SSL_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, ReleaseWith<SSL_CTX_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, ReleaseWith<SSL_SESSION_free>>;
using X509Ptr = std::unique_ptr<X509, ReleaseWith<X509_free>>;

}  // namespace viaduct::tls

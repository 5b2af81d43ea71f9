// SPDX-License-Identifier: Apache-2.0
#include "tls/client_auth.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/base64.h"
#include "base/check.h"

namespace viaduct::tls {
namespace {

// Where a context keeps the word for its authorities.
int authorities_index() {
  static const int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void* /*context*/, void* id, CRYPTO_EX_DATA*, int, long, void*) {
        const std::unique_ptr<std::string> freed(static_cast<std::string*>(id));
      });
  return index;
}

std::size_t der_size(const X509& certificate) {
  const int size = i2d_X509(&certificate, nullptr);
  return size < 0 ? 0 : static_cast<std::size_t>(size);
}

// Called for each certificate of a chain, with what was found so far.
int check_size(int is_valid, X509_STORE_CTX* chain) {
  const X509* certificate = X509_STORE_CTX_get_current_cert(chain);
  const bool is_leaf = X509_STORE_CTX_get_error_depth(chain) == 0;
  if (is_valid == 0 || !is_leaf || certificate == nullptr) return is_valid;
  if (der_size(*certificate) <= kClientCertificateBytesMax) return 1;
  X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

}  // namespace

std::string authorities_id(const std::vector<X509Ptr>& authorities) {
  std::vector<std::string> hashes;
  for (const X509Ptr& authority : authorities) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> hash;
    CHECK(X509_digest(authority.get(), EVP_sha256(), hash.data(), nullptr) == 1);
    hashes.push_back(base::to_base64(hash));
  }
  std::ranges::sort(hashes);
  std::string id;
  for (const std::string& hash : hashes) id += (id.empty() ? "" : ",") + hash;
  return id;
}

void ask_for_certificates(SSL_CTX& context, const std::vector<X509Ptr>& authorities, config::ClientAuth mode) {
  for (const X509Ptr& authority : authorities) {
    // Only without memory. The names are a hint for clients that have several certificates.
    CHECK(X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), authority.get()) == 1);
    CHECK(SSL_CTX_add_client_CA(&context, authority.get()) == 1);
  }
  const int refusal = mode == config::ClientAuth::kRequire ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | refusal, check_size);
  SSL_CTX_set_options(&context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(&context, 0);
  auto id = std::make_unique<std::string>(authorities_id(authorities));
  CHECK(SSL_CTX_set_ex_data(&context, authorities_index(), id.release()) == 1);
}

void move_to_context(SSL& ssl, SSL_CTX& context) {
  SSL_set_SSL_CTX(&ssl, &context);
  // SSL_set_SSL_CTX takes over certificates alone.
  SSL_set_verify(&ssl, SSL_CTX_get_verify_mode(&context), SSL_CTX_get_verify_callback(&context));
  SSL_set_num_tickets(&ssl, SSL_CTX_get_num_tickets(&context));
  SSL_clear_options(&ssl, SSL_OP_NO_TICKET);
  SSL_set_options(&ssl, SSL_CTX_get_options(&context) & SSL_OP_NO_TICKET);
}

std::string_view verified_by(const SSL& ssl) {
  // A session that goes on was looked at when it began, maybe for another site.
  const bool is_shown = SSL_get0_peer_certificate(&ssl) != nullptr && SSL_session_reused(&ssl) == 0;
  if (!is_shown || SSL_get_verify_result(&ssl) != X509_V_OK) return {};
  const auto* id = static_cast<const std::string*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(&ssl), authorities_index()));
  return id == nullptr ? std::string_view() : *id;
}

std::string client_certificate_text(const SSL& ssl) {
  X509* certificate = SSL_get0_peer_certificate(&ssl);
  CHECK(certificate != nullptr);
  std::vector<unsigned char> der(der_size(*certificate));
  unsigned char* end = der.data();
  CHECK(i2d_X509(certificate, &end) == static_cast<int>(der.size()));
  return ":" + base::to_base64(der) + ":";
}

}  // namespace viaduct::tls

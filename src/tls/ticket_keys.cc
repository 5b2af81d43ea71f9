// SPDX-License-Identifier: Apache-2.0
#include "tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/check.h"
#include "base/random.h"

namespace viaduct::tls {
namespace {

// What OpenSSL's ticket callback returns.
constexpr int kTicketFailed = -1;  // ends the handshake
constexpr int kTicketUnknown = 0;  // shake hands in full
constexpr int kTicketReady = 1;    // go on with these keys
constexpr int kTicketRenewed = 2;  // go on, and give the client a new ticket
constexpr std::size_t kIvBytes = 16;

bool init_mac(EVP_MAC_CTX* mac, const std::array<unsigned char, 32>& key) {
  // The parameter takes the digest's name without const.
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  return EVP_MAC_init(mac, key.data(), key.size(), params) == 1;
}

}  // namespace

TicketKeys::TicketKeys() : aes_256_cbc_(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr)) {
  CHECK(aes_256_cbc_ != nullptr);
  for (std::size_t i = 0; i < kKeys; ++i) rotate();
}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(keys_.data(), sizeof keys_);
}

void TicketKeys::install(SSL_CTX& context) {
  SSL_CTX_set_app_data(&context, this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(&context, on_ticket);
}

void TicketKeys::rotate() {
  Key fresh;
  base::fill_random(fresh.name);
  base::fill_random(fresh.cipher_key);
  base::fill_random(fresh.mac_key);
  {
    const std::unique_lock lock(mutex_);
    std::copy_backward(keys_.begin(), keys_.end() - 1, keys_.end());
    keys_.front() = fresh;
  }
  OPENSSL_cleanse(&fresh, sizeof fresh);
}

void TicketKeys::give(Secret& secret) const {
  static_assert(sizeof keys_ == kSecretBytes);
  const std::shared_lock lock(mutex_);
  std::memcpy(secret.data(), keys_.data(), kSecretBytes);
}

void TicketKeys::take(const Secret& secret) {
  const std::unique_lock lock(mutex_);
  std::memcpy(keys_.data(), secret.data(), kSecretBytes);
}

// NOLINTNEXTLINE(readability-function-size): the signature is OpenSSL's
int TicketKeys::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                          int sealing) {
  const auto* keys = static_cast<const TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (sealing == 0) return keys->open(name, iv, cipher, mac);
  return keys->seal(name, iv, cipher, mac) ? kTicketReady : kTicketFailed;
}

bool TicketKeys::seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) const {
  base::fill_random(std::span(iv, kIvBytes));
  const std::shared_lock lock(mutex_);
  const Key& key = keys_.front();
  std::memcpy(name, key.name.data(), key.name.size());
  return EVP_EncryptInit_ex2(cipher, aes_256_cbc_.get(), key.cipher_key.data(), iv, nullptr) == 1 &&
         init_mac(mac, key.mac_key);
}

int TicketKeys::open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) const {
  const std::shared_lock lock(mutex_);
  const auto* key = std::ranges::find_if(
      keys_, [name](const Key& one) { return std::equal(one.name.begin(), one.name.end(), name); });
  if (key == keys_.end()) return kTicketUnknown;
  const bool ready = EVP_DecryptInit_ex2(cipher, aes_256_cbc_.get(), key->cipher_key.data(), iv, nullptr) == 1 &&
                     init_mac(mac, key->mac_key);
  if (!ready) return kTicketFailed;
  return key == keys_.begin() ? kTicketReady : kTicketRenewed;
}

}  // namespace viaduct::tls

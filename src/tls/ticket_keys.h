// SPDX-License-Identifier: Apache-2.0
// The keys that seal session tickets, one set for the whole process: a client resumes on any worker, and after a
// reload. Made at random at start, never stored, wiped when dropped. Owned by the daemon's main thread, which also
// rotates them; the workers use them while they shake hands. RFC 5077 §4, RFC 8446 §4.6.1.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <shared_mutex>

#include "base/time.h"
#include "tls/openssl_ptr.h"

namespace viaduct::tls {

class TicketKeys {
 public:
  // How often the main thread calls rotate().
  static constexpr base::Duration kRotateEvery = std::chrono::hours(1);
  // The newest key seals; it and the older ones open.
  static constexpr std::size_t kKeys = 3;
  // How long a ticket is good: what is sealed at the last moment of a key can be opened that long at least.
  static constexpr base::Duration kTicketLifetime = kRotateEvery * (kKeys - 1);

  TicketKeys();
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // Makes `context` seal and open its tickets with these keys, which must outlive it and all its connections.
  void install(SSL_CTX& context);
  // Starts a new key and forgets the oldest. Thread-safe.
  void rotate();

  // All keys, for the process that takes this one's place, so that its clients resume. Whoever holds them can read what
  // is sent under tickets: never stored, wiped behind use.
  static constexpr std::size_t kSecretBytes = kKeys * (16 + 32 + 32);
  using Secret = std::array<unsigned char, kSecretBytes>;
  // Copies them out. Thread-safe.
  void give(Secret& secret) const;
  // Replaces all keys. Thread-safe.
  void take(const Secret& secret);

 private:
  struct Key {
    std::array<unsigned char, 16> name;  // stands in the ticket in the clear
    std::array<unsigned char, 32> cipher_key;
    std::array<unsigned char, 32> mac_key;
  };

  // OpenSSL's ticket callback (SSL_CTX_set_tlsext_ticket_key_evp_cb).
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                       int sealing);
  bool seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) const;
  int open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) const;

  std::unique_ptr<EVP_CIPHER, ReleaseWith<EVP_CIPHER_free>> aes_256_cbc_;  // fetched once: a look-up takes locks
  mutable std::shared_mutex mutex_;
  std::array<Key, kKeys> keys_;  // the newest first; guarded by mutex_
};

}  // namespace viaduct::tls

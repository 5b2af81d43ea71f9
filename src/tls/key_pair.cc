// SPDX-License-Identifier: Apache-2.0
#include "tls/key_pair.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>

#include "base/format.h"
#include "os/file.h"
#include "tls/tls_error.h"

namespace viaduct::tls {
namespace {

// Larger than any system's bundle of authorities (Debian 12: 215 KiB).
constexpr std::size_t kPemBytesMax = 4 * 1024 * 1024;

BioPtr memory_of(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

X509Ptr share_one(X509& certificate) {
  X509_up_ref(&certificate);
  return X509Ptr(&certificate);
}

// Asked when a key is encrypted: notes that instead of asking whoever sits at the terminal.
int refuse_password(char* /*password*/, int /*size*/, int /*writing*/, void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return -1;
}

base::Result<PkeyPtr> load_key(const std::string& file) {
  auto text = os::read_file(file, kPemBytesMax);
  if (!text.has_value()) return std::unexpected(std::move(text).error());
  ERR_clear_error();
  bool is_encrypted = false;
  PkeyPtr key(PEM_read_bio_PrivateKey(memory_of(*text).get(), nullptr, refuse_password, &is_encrypted));
  OPENSSL_cleanse(text->data(), text->size());
  if (key != nullptr) return key;
  const std::string reason = take_openssl_error();
  if (is_encrypted) {
    return base::fail(
        base::format("{}: the key is encrypted; store it without a password, readable by root alone", file));
  }
  return base::fail(base::format(
      "{}: no private key in PEM form ({}); name the file that begins with -----BEGIN PRIVATE KEY-----", file, reason));
}

std::unexpected<base::Error> mismatch(const std::string& cert_file, const std::string& key_file,
                                      const std::vector<X509Ptr>& certificates, const EVP_PKEY& key) {
  const auto owner = std::ranges::find_if(certificates, [&key](const X509Ptr& certificate) {
    return EVP_PKEY_eq(X509_get0_pubkey(certificate.get()), &key) == 1;
  });
  if (owner == certificates.end()) {
    return base::fail(base::format(
        "{} and {} do not belong together: the key is not that of the certificate; name the key it was issued for",
        cert_file, key_file));
  }
  return base::fail(
      base::format("{} and {}: the key belongs to certificate {} of the file; the site's own certificate comes first, "
                   "then its issuer, and so on",
                   cert_file, key_file, owner - certificates.begin() + 1));
}

}  // namespace

base::Result<KeyPair> load_key_pair(const std::string& cert_file, const std::string& key_file) {
  auto certificates = load_certificates(cert_file);
  if (!certificates.has_value()) return std::unexpected(std::move(certificates).error());
  auto key = load_key(key_file);
  if (!key.has_value()) return std::unexpected(std::move(key).error());
  if (EVP_PKEY_eq(X509_get0_pubkey(certificates->front().get()), key->get()) != 1) {
    return mismatch(cert_file, key_file, *certificates, **key);
  }
  KeyPair pair;
  pair.leaf = std::move(certificates->front());
  certificates->erase(certificates->begin());
  pair.chain = std::move(*certificates);
  pair.key = std::move(*key);
  return pair;
}

KeyPair share(const KeyPair& pair) {
  EVP_PKEY_up_ref(pair.key.get());
  return {.leaf = share_one(*pair.leaf), .chain = share(pair.chain), .key = PkeyPtr(pair.key.get())};
}

std::vector<X509Ptr> share(const std::vector<X509Ptr>& certificates) {
  std::vector<X509Ptr> shared;
  shared.reserve(certificates.size());
  for (const X509Ptr& certificate : certificates) shared.push_back(share_one(*certificate));
  return shared;
}

base::Result<std::vector<X509Ptr>> load_certificates(const std::string& file) {
  const auto text = os::read_file(file, kPemBytesMax);
  if (!text.has_value()) return std::unexpected(text.error());
  const BioPtr memory = memory_of(*text);
  ERR_clear_error();
  std::vector<X509Ptr> certificates;
  while (X509Ptr certificate{PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)}) {
    certificates.push_back(std::move(certificate));
  }
  // Every read ends in an error; this one says that there was nothing more.
  const unsigned long last = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  const std::string reason = take_openssl_error();
  if (!at_end) {
    return base::fail(
        base::format("{}: certificate {} is damaged ({}); copy the file anew", file, certificates.size() + 1, reason));
  }
  if (certificates.empty())
    return base::fail(base::format(
        "{}: no certificate in PEM form; name the file that begins with -----BEGIN CERTIFICATE-----", file));
  return certificates;
}

base::Result<void> use_key_pair(SSL_CTX& context, const KeyPair& pair) {
  ERR_clear_error();
  bool done = SSL_CTX_use_certificate(&context, pair.leaf.get()) == 1 &&
              SSL_CTX_use_PrivateKey(&context, pair.key.get()) == 1 && SSL_CTX_clear_chain_certs(&context) == 1;
  for (const X509Ptr& certificate : pair.chain) {
    done = done && SSL_CTX_add1_chain_cert(&context, certificate.get()) == 1;
  }
  if (done) return {};
  return base::fail(take_openssl_error());
}

}  // namespace viaduct::tls

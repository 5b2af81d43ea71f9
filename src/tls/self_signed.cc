// SPDX-License-Identifier: Apache-2.0
#include "tls/self_signed.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/random.h"
#include "tls/openssl_ptr.h"
#include "tls/tls_error.h"

namespace viaduct::tls {
namespace {

using BignumPtr = std::unique_ptr<BIGNUM, ReleaseWith<BN_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, ReleaseWith<X509_EXTENSION_free>>;

// RFC 5280 appendix A.1: ub-common-name.
constexpr std::size_t kCommonNameBytesMax = 64;

// Who signs: the certificate itself, or the issuer that was asked for.
struct Signer {
  X509Ptr certificate;  // null: the new one
  PkeyPtr key;          // null: the new one's
};

BioPtr memory_of(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

template <typename Write>
std::string pem_text(Write write) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  if (memory == nullptr || write(memory.get()) != 1) return {};
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

// The value of a subjectAltName extension; empty for a name that cannot stand in one.
std::string alternative_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    const auto address = base::IpAddress::parse(name);
    const bool is_host = !name.empty() && std::ranges::all_of(name, [](char byte) {
      return base::is_digit(byte) || (base::to_lower(byte) >= 'a' && base::to_lower(byte) <= 'z') || byte == '-' ||
             byte == '.' || byte == '*' || byte == '_';
    });
    if (!address && !is_host) return {};
    text += (text.empty() ? "" : ",") + (address ? "IP:" + address->to_string() : "DNS:" + name);
  }
  return text;
}

bool set_serial(X509& certificate) {
  std::array<unsigned char, 16> bytes;
  base::fill_random(bytes);
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7fU) | 0x40U);  // positive, and never zero
  const BignumPtr number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

bool set_subject(X509& certificate, const std::string& name) {
  const std::string common_name = name.substr(0, kCommonNameBytesMax);
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(&certificate), "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1;
}

bool set_times(X509& certificate, const SelfSigned& wanted) {
  using std::chrono::system_clock;
  return ASN1_TIME_set(X509_getm_notBefore(&certificate), system_clock::to_time_t(wanted.not_before)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(&certificate), system_clock::to_time_t(wanted.not_after)) != nullptr;
}

bool add_extensions(X509& certificate, X509& issuer, bool is_authority, const std::string& names) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  const auto add = [&](int kind, const std::string& value) {
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    return extension != nullptr && X509_add_ext(&certificate, extension.get(), -1) == 1;
  };
  return add(NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
         add(NID_key_usage, is_authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
         add(NID_subject_key_identifier, "hash") && add(NID_authority_key_identifier, "keyid") &&
         (is_authority || (add(NID_ext_key_usage, "serverAuth,clientAuth") && add(NID_subject_alt_name, names)));
}

bool fill_in(X509& certificate, EVP_PKEY& key, const Signer& signer, const SelfSigned& wanted) {
  X509& issuer = signer.certificate == nullptr ? certificate : *signer.certificate;
  EVP_PKEY& signing_key = signer.key == nullptr ? key : *signer.key;
  return X509_set_version(&certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
         set_subject(certificate, wanted.names.front()) &&
         X509_set_issuer_name(&certificate, X509_get_subject_name(&issuer)) == 1 && set_times(certificate, wanted) &&
         X509_set_pubkey(&certificate, &key) == 1 &&
         add_extensions(certificate, issuer, wanted.is_authority, alternative_names(wanted.names)) &&
         X509_sign(&certificate, &signing_key, EVP_sha256()) > 0;
}

}  // namespace

base::Result<PemPair> make_self_signed(const SelfSigned& wanted) {
  if (wanted.names.empty() || (!wanted.is_authority && alternative_names(wanted.names).empty())) {
    return base::fail("a certificate is for host names and IP addresses");
  }
  ERR_clear_error();
  Signer signer;
  if (wanted.issuer != nullptr) {
    signer.certificate.reset(PEM_read_bio_X509(memory_of(wanted.issuer->cert).get(), nullptr, nullptr, nullptr));
    signer.key.reset(PEM_read_bio_PrivateKey(memory_of(wanted.issuer->key).get(), nullptr, nullptr, nullptr));
    if (signer.certificate == nullptr || signer.key == nullptr) return base::fail(take_openssl_error());
  }
  const PkeyPtr key(wanted.key == KeyKind::kRsa ? EVP_RSA_gen(static_cast<unsigned>(wanted.rsa_bits))
                                                : EVP_EC_gen("P-256"));
  const X509Ptr certificate(X509_new());
  if (key == nullptr || certificate == nullptr || !fill_in(*certificate, *key, signer, wanted)) {
    return base::fail("cannot make a certificate: " + take_openssl_error());
  }
  PemPair pair;
  pair.cert = pem_text([&](BIO* into) { return PEM_write_bio_X509(into, certificate.get()); });
  pair.key = pem_text(
      [&](BIO* into) { return PEM_write_bio_PrivateKey(into, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  if (pair.cert.empty() || pair.key.empty()) return base::fail("cannot write a certificate: " + take_openssl_error());
  return pair;
}

}  // namespace viaduct::tls

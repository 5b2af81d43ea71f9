// SPDX-License-Identifier: Apache-2.0
#include "tls/ocsp_staple.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <limits>
#include <memory>
#include <vector>

#include "base/check.h"
#include "base/format.h"
#include "os/file.h"
#include "tls/certificate.h"

namespace viaduct::tls {
namespace {

// Answers have some hundred bytes, with the certificates of their signer a few thousand.
constexpr std::size_t kAnswerBytesMax = 64 * 1024;
// What clocks may differ by.
constexpr long kClockSkewSeconds = 300;
// An answer that does not say how long it holds: RFC 6960 §4.2.2.1 leaves it to us.
constexpr base::Duration kWithoutEnd = std::chrono::hours(24);

using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, ReleaseWith<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, ReleaseWith<OCSP_BASICRESP_free>>;
using CertIdPtr = std::unique_ptr<OCSP_CERTID, ReleaseWith<OCSP_CERTID_free>>;

struct Stapled {
  const X509* leaf = nullptr;  // of the context, which holds it
  OcspAnswer answer;
};
using StapledList = std::vector<Stapled>;

int stapled_index() {
  static const int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void* /*context*/, void* list, CRYPTO_EX_DATA*, int, long, void*) {
        const std::unique_ptr<StapledList> freed(static_cast<StapledList*>(list));
      });
  return index;
}

base::WallTime wall_time_of(const ASN1_GENERALIZEDTIME& time) {
  std::tm parts{};
  CHECK(ASN1_TIME_to_tm(&time, &parts) == 1);  // the caller has looked at it
  return base::WallTime(std::chrono::seconds(::timegm(&parts)));
}

// The status callback of OpenSSL.
int send_stapled(SSL* ssl, void* /*unused*/) {
  const auto* list = static_cast<const StapledList*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), stapled_index()));
  if (list == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const auto found = std::ranges::find(*list, SSL_get_certificate(ssl), &Stapled::leaf);
  if (found == list->end() || base::SystemClock().wall_now() >= found->answer.until) return SSL_TLSEXT_ERR_NOACK;
  const std::string& der = found->answer.der;
  void* copy = OPENSSL_memdup(der.data(), der.size());
  if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
  // Its macro holds an old cast. OpenSSL frees the copy.
  SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, static_cast<long>(der.size()), copy);
  return SSL_TLSEXT_ERR_OK;
}

// Why `response` is no use for the leaf of `pair`, empty when it is; then `until` is set.
std::string judge(OCSP_BASICRESP& response, const KeyPair& pair, base::WallTime now, base::WallTime& until) {
  const X509* issuer = pair.chain.empty() ? nullptr : pair.chain.front().get();
  if (issuer == nullptr) return "it cannot be matched without the issuer in the certificate's file; use the full chain";
  int status = 0;
  int reason = 0;
  ASN1_GENERALIZEDTIME* revoked_at = nullptr;
  ASN1_GENERALIZEDTIME* from = nullptr;
  ASN1_GENERALIZEDTIME* end = nullptr;
  bool is_found = false;
  for (const EVP_MD* digest : {EVP_sha1(), EVP_sha256()}) {
    const CertIdPtr id(OCSP_cert_to_id(digest, pair.leaf.get(), issuer));
    if (id == nullptr) continue;
    is_found = OCSP_resp_find_status(&response, id.get(), &status, &reason, &revoked_at, &from, &end) == 1;
    if (is_found) break;
  }
  if (!is_found) return "it is not about this certificate; fetch one that is";
  if (status != V_OCSP_CERTSTATUS_GOOD) {
    return base::format("it says that the certificate is {}; renew the certificate", OCSP_cert_status_str(status));
  }
  const base::Duration skew = std::chrono::seconds(kClockSkewSeconds);
  if (from == nullptr || ASN1_GENERALIZEDTIME_check(from) != 1 ||
      (end != nullptr && ASN1_GENERALIZEDTIME_check(end) != 1))
    return "its dates are damaged; fetch a new one";
  if (wall_time_of(*from) > now + skew) {
    return base::format("it holds from {} on; look at the clock", date_text(wall_time_of(*from)));
  }
  until = end != nullptr ? wall_time_of(*end) : wall_time_of(*from) + kWithoutEnd;
  if (until <= now) return base::format("it ended on {}; fetch a new one", date_text(until));
  return {};
}

}  // namespace

base::Result<OcspAnswer> load_ocsp(const std::string& file, const KeyPair& pair, base::WallTime now) {
  auto der = os::read_file(file, kAnswerBytesMax);
  if (!der.has_value()) return std::unexpected(std::move(der).error());
  ERR_clear_error();
  const auto* bytes = reinterpret_cast<const unsigned char*>(der->data());
  const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(der->size())));
  const bool is_whole =
      response != nullptr && bytes == reinterpret_cast<const unsigned char*>(der->data()) + der->size();
  const bool is_answer = is_whole && OCSP_response_status(response.get()) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
  const BasicPtr basic(is_answer ? OCSP_response_get1_basic(response.get()) : nullptr);
  ERR_clear_error();
  if (basic == nullptr) return base::fail(base::format("{}: no answer by OCSP in DER form; fetch a new one", file));
  OcspAnswer answer{.der = std::move(*der), .until = {}};
  if (const std::string wrong = judge(*basic, pair, now, answer.until); !wrong.empty()) {
    return base::fail(base::format("{}: {}", file, wrong));
  }
  return answer;
}

void staple(SSL_CTX& context, const X509& leaf, OcspAnswer answer) {
  auto* list = static_cast<StapledList*>(SSL_CTX_get_ex_data(&context, stapled_index()));
  if (list == nullptr) {
    list = std::make_unique<StapledList>().release();  // the context owns it
    CHECK(SSL_CTX_set_ex_data(&context, stapled_index(), list) == 1);
    // Its macro holds an old cast.
    SSL_CTX_callback_ctrl(&context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB, reinterpret_cast<void (*)()>(send_stapled));
  }
  list->push_back({.leaf = &leaf, .answer = std::move(answer)});
}

}  // namespace viaduct::tls

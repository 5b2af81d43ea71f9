// SPDX-License-Identifier: Apache-2.0
#include "tls/pair_checks.h"

#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <iterator>
#include <optional>
#include <utility>

#include "base/format.h"
#include "tls/certificate.h"

namespace viaduct::tls {
namespace {

using base::format;
using Kind = CertProblem::Kind;

// A public authority has issued nothing below this since 2014, and some clients refuse it.
constexpr int kRsaBitsMin = 2048;

// `which` names the certificate in the message.
std::optional<PairFault> date_fault(const X509& certificate, const std::string& which, const PairInUse& use,
                                    base::WallTime now) {
  const base::WallTime from = not_before_of(certificate);
  const base::WallTime until = not_after_of(certificate);
  if (now < from) {
    return PairFault{.kind = Kind::kNotYetValid,
                     .key = "cert",
                     .message = format("{} is not valid before {}: {} refuse it; wait until then, or set this "
                                       "machine's clock right",
                                       which, date_text(from), use.shown_to)};
  }
  if (now > until) {
    return PairFault{
        .kind = Kind::kExpired,
        .key = "cert",
        .message = format("{} expired on {}: {} refuse it; renew it", which, date_text(until), use.shown_to)};
  }
  if (until - now > kExpiresSoon) return std::nullopt;
  const auto days = std::chrono::duration_cast<std::chrono::days>(until - now).count();
  return PairFault{.kind = Kind::kExpiresSoon,
                   .key = "cert",
                   .message = format("{} expires in {} days, on {}; renew it", which, days, date_text(until))};
}

// Whether the system knows who issued `leaf`, which comes without a chain.
bool is_issuer_known(X509& leaf) {
  const std::unique_ptr<X509_STORE, ReleaseWith<X509_STORE_free>> store(X509_STORE_new());
  X509_STORE_set_default_paths(store.get());
  const std::unique_ptr<X509_STORE_CTX, ReleaseWith<X509_STORE_CTX_free>> verification(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(verification.get(), store.get(), &leaf, nullptr) != 1) return false;
  X509_STORE_CTX_set_flags(verification.get(), X509_V_FLAG_NO_CHECK_TIME);
  return X509_verify_cert(verification.get()) == 1;
}

std::optional<PairFault> chain_fault(const KeyPair& pair, const std::string& file) {
  X509* below = pair.leaf.get();
  std::size_t number = 1;
  for (const X509Ptr& above : pair.chain) {
    if (X509_check_issued(above.get(), below) != X509_V_OK) {
      return PairFault{
          .kind = Kind::kBrokenChain,
          .key = "cert",
          .message = format("{}: certificate {} ({}) did not issue certificate {} before it, {} did: clients may "
                            "refuse the chain; put each issuer behind what it issued",
                            file, number + 1, subject_text(*above), number, issuer_text(*below))};
    }
    below = above.get();
    ++number;
  }
  if (!pair.chain.empty() || is_self_signed(*below) || is_issuer_known(*below)) return std::nullopt;
  return PairFault{
      .kind = Kind::kNoChain,
      .key = "cert",
      .message = format("{} comes without its issuer ({}), which the system does not know: clients that do not fetch "
                        "it, payment platforms among them, refuse the certificate; use the file with the full chain",
                        file, issuer_text(*below))};
}

bool is_open(const std::string& key_file) {
  struct stat status{};
  return ::stat(key_file.c_str(), &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH)) != 0;
}

}  // namespace

std::vector<PairFault> date_faults(const KeyPair& pair, const PairInUse& use, base::WallTime now) {
  std::vector<PairFault> faults;
  if (auto fault = date_fault(*pair.leaf, use.cert_file, use, now)) faults.push_back(std::move(*fault));
  for (std::size_t i = 0; i < pair.chain.size(); ++i) {
    auto fault = date_fault(*pair.chain[i], format("{}, certificate {},", use.cert_file, i + 2), use, now);
    if (fault) faults.push_back(std::move(*fault));
  }
  return faults;
}

std::vector<PairFault> pair_faults(const KeyPair& pair, const PairInUse& use, base::WallTime now) {
  std::vector<PairFault> faults = date_faults(pair, use, now);
  if (auto fault = chain_fault(pair, use.cert_file)) faults.push_back(std::move(*fault));
  if (is_open(use.key_file)) {
    faults.push_back(
        {.kind = Kind::kOpenKeyFile,
         .key = "key",
         .message = format("{} can be read or written by everybody on this machine; chmod 600 it", use.key_file)});
  }
  const int bits = rsa_bits(*pair.leaf);
  if (bits != 0 && bits < kRsaBitsMin) {
    faults.push_back({.kind = Kind::kWeakKey,
                      .key = "cert",
                      .message = format("{} has an RSA key of {} bits: many clients refuse less than {}; have one "
                                        "issued for a new key",
                                        use.cert_file, bits, kRsaBitsMin)});
  }
  return faults;
}

}  // namespace viaduct::tls

// SPDX-License-Identifier: Apache-2.0
#include "tls/cert_store.h"

#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/format.h"
#include "tls/certificate.h"
#include "tls/client_auth.h"
#include "tls/key_pair.h"
#include "tls/ocsp_staple.h"

namespace viaduct::tls {
namespace {

using base::format;

// A public authority has issued nothing below this since 2014, and some clients refuse it.
constexpr int kRsaBitsMin = 2048;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
using HostMap = std::unordered_map<std::string, SSL_CTX*, TextHash, std::equal_to<>>;

// Which context serves which name. Belongs to the default context, from which every connection starts: so it lives as
// long as the last handshake that may ask, also when the snapshot is long gone.
struct SiteContexts {
  HostMap exact;
  HostMap wildcard;  // by what follows "*."
  std::vector<SslCtxPtr> owned;

  // Null for an unknown name.
  SSL_CTX* find(std::string_view host) const {
    if (const auto found = exact.find(host); found != exact.end()) return found->second;
    for (std::size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
      if (const auto found = wildcard.find(host.substr(dot + 1)); found != wildcard.end()) return found->second;
    }
    return nullptr;
  }
};

int site_contexts_index() {
  static const int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void* /*context*/, void* contexts, CRYPTO_EX_DATA*, int, long, void*) {
        const std::unique_ptr<SiteContexts> freed(static_cast<SiteContexts*>(contexts));
      });
  return index;
}

// Answers SNI, in the name of the default context's SiteContexts.
int select_context(SSL* ssl, int* /*alert*/, void* contexts) {
  const char* sent = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (sent == nullptr) return SSL_TLSEXT_ERR_NOACK;
  std::string name = base::lower_case(sent);
  if (name.ends_with('.')) name.pop_back();
  SSL_CTX* context = static_cast<const SiteContexts*>(contexts)->find(name);
  if (context == nullptr) return SSL_TLSEXT_ERR_NOACK;
  if (context != SSL_get_SSL_CTX(ssl)) move_to_context(*ssl, *context);
  return SSL_TLSEXT_ERR_OK;
}

// Makes the store, gathering problems on the way.
class Loader {
 public:
  Loader(std::span<const config::Site> sites, const config::ListenerTls& tls, TicketKeys& ticket_keys,
         base::WallTime now)
      : sites_(sites), tls_(tls), ticket_keys_(ticket_keys), now_(now), contexts_(std::make_unique<SiteContexts>()) {}

  void add_site(const config::Site& site);
  // After all sites: what clients get whose name is unknown. Null without any certificate.
  SslCtxPtr finish();

  std::vector<CertProblem> take_problems() { return std::move(problems_); }
  FileStamps take_stamps() { return std::move(stamps_); }
  std::vector<CertFacts> take_facts() { return std::move(facts_); }
  bool has_errors() const {
    return std::ranges::any_of(problems_,
                               [](const CertProblem& one) { return one.severity == CertProblem::Severity::kError; });
  }

 private:
  using Severity = CertProblem::Severity;
  using Kind = CertProblem::Kind;
  // Places in pairs_.
  using Selection = std::vector<std::size_t>;

  // What a context is made of.
  struct Wanted {
    Selection pairs;
    std::string client_ca;
    config::ClientAuth client_auth = config::ClientAuth::kRequire;

    auto operator<=>(const Wanted&) const = default;
  };

  struct Loaded {
    const config::CertificateFiles* files = nullptr;
    KeyPair pair;
    std::optional<OcspAnswer> ocsp;
  };

  void note(Kind kind, const config::CertificateFiles& files, std::string message, std::string_view key = "cert");
  std::string key_of(const config::CertificateFiles& files, std::string_view key) const;
  bool load_pair(const config::CertificateFiles& files, const config::Site& site);
  void check_pair(const Loaded& loaded);
  void check_dates(const Loaded& loaded);
  void check_chain(const Loaded& loaded);
  void check_key_file(const config::CertificateFiles& files);
  Selection select(const Selection& of_site, const std::string& host) const;
  Selection one_of_each_kind(const Selection& pairs) const;
  void load_stapled(Loaded& loaded);
  SSL_CTX* context_of(const Selection& selection, const config::Site& site);

  std::span<const config::Site> sites_;
  const config::ListenerTls& tls_;
  TicketKeys& ticket_keys_;
  base::WallTime now_;
  std::unique_ptr<SiteContexts> contexts_;
  std::map<Wanted, SSL_CTX*> made_;
  std::vector<Loaded> pairs_;
  std::map<std::pair<std::string, std::string>, std::size_t> pair_by_files_;
  std::vector<CertFacts> facts_;
  std::vector<CertProblem> problems_;
  FileStamps stamps_;
  SSL_CTX* first_ = nullptr;    // of the first site that has a certificate
  SSL_CTX* default_ = nullptr;  // of the default site, if it has one
};

void Loader::add_site(const config::Site& site) {
  Selection of_site;
  for (const config::CertificateFiles& files : site.certificates) {
    if (load_pair(files, site)) of_site.push_back(pair_by_files_.at({files.cert, files.key}));
  }
  if (of_site.empty()) return;
  SSL_CTX* of_nameless = context_of(one_of_each_kind(of_site), site);
  for (const std::string& host : site.hosts) {
    SSL_CTX* context = context_of(select(of_site, host), site);
    if (&host == &site.hosts.front()) of_nameless = context;
    if (host.starts_with("*.")) {
      contexts_->wildcard.emplace(host.substr(2), context);
    } else {
      contexts_->exact.emplace(host, context);
    }
    const bool is_covered = std::ranges::any_of(
        of_site, [this, &host](std::size_t pair) { return certificate_covers(*pairs_[pair].pair.leaf, host); });
    if (!is_covered) {
      const Loaded& loaded = pairs_[of_site.front()];
      note(Kind::kNotCovering, site.certificates.front(),
           format("{} does not cover {} (it is for {}): clients refuse it there; have one issued with that name",
                  loaded.files->cert, host, certificate_names_text(*loaded.pair.leaf, 5)));
    }
  }
  if (first_ == nullptr) first_ = of_nameless;
  if (site.is_default && default_ == nullptr) default_ = of_nameless;
}

SslCtxPtr Loader::finish() {
  SSL_CTX* chosen = default_ != nullptr ? default_ : first_;
  if (chosen == nullptr) return nullptr;
  const auto place = std::ranges::find(contexts_->owned, chosen, [](const SslCtxPtr& one) { return one.get(); });
  SslCtxPtr context = std::move(*place);
  contexts_->owned.erase(place);
  // The macros for these hold old casts.
  SSL_CTX_callback_ctrl(context.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, reinterpret_cast<void (*)()>(select_context));
  SSL_CTX_ctrl(context.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, 0, contexts_.get());
  // From here on the context owns the others.
  CHECK(SSL_CTX_set_ex_data(context.get(), site_contexts_index(), contexts_.release()) == 1);
  return context;
}

// Where the config says `key` of a pair that is one of a site's own.
std::string Loader::key_of(const config::CertificateFiles& files, std::string_view key) const {
  if (key == "client_ca" && files.client_ca.empty()) return "tls.client_ca";
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    const auto& pairs = sites_[i].certificates;
    const auto pair = std::ranges::find_if(pairs, [&files](const auto& each) { return &each == &files; });
    if (pair == pairs.end()) continue;
    return format("sites[{}].tls{}.{}", i, pairs.size() > 1 ? format("[{}]", pair - pairs.begin()) : "", key);
  }
  return "tls." + std::string(key);
}

void Loader::note(Kind kind, const config::CertificateFiles& files, std::string message, std::string_view key) {
  problems_.push_back({.severity = kind == Kind::kUnusable ? Severity::kError : Severity::kWarning,
                       .kind = kind,
                       .file = files.cert,
                       .message = std::move(message),
                       .key = key_of(files, key),
                       .place = files.place});
}

// Reads a pair unless another site has it too. False when that failed.
bool Loader::load_pair(const config::CertificateFiles& files, const config::Site& site) {
  const std::pair names(files.cert, files.key);
  if (pair_by_files_.contains(names)) return true;
  stamps_.add(files.cert);
  stamps_.add(files.key);
  auto pair = load_key_pair(files.cert, files.key);
  if (!pair.has_value()) {
    note(Kind::kUnusable, files, pair.error().message);
    return false;
  }
  pair_by_files_[names] = pairs_.size();
  pairs_.push_back({.files = &files, .pair = std::move(*pair), .ocsp = {}});
  load_stapled(pairs_.back());
  const X509& leaf = *pairs_.back().pair.leaf;
  facts_.push_back({.file = files.cert,
                    .site = site.hosts.empty() ? "default" : site.hosts.front(),
                    .names = certificate_names(leaf),
                    .key = key_text(leaf),
                    .not_before = not_before_of(leaf),
                    .not_after = not_after_of(leaf)});
  check_pair(pairs_.back());
  return true;
}

void Loader::load_stapled(Loaded& loaded) {
  if (loaded.files->ocsp.empty()) return;
  stamps_.add(loaded.files->ocsp);
  auto answer = load_ocsp(loaded.files->ocsp, loaded.pair, now_);
  if (answer.has_value()) {
    loaded.ocsp = std::move(*answer);
  } else {
    note(Kind::kNotStapled, *loaded.files, answer.error().message + "; until then nothing is stapled", "ocsp");
  }
}

void Loader::check_pair(const Loaded& loaded) {
  check_dates(loaded);
  check_chain(loaded);
  check_key_file(*loaded.files);
  const int bits = rsa_bits(*loaded.pair.leaf);
  if (bits != 0 && bits < kRsaBitsMin) {
    note(Kind::kWeakKey, *loaded.files,
         format("{} has an RSA key of {} bits: many clients refuse less than {}; have one issued for a new key",
                loaded.files->cert, bits, kRsaBitsMin));
  }
}

void Loader::check_dates(const Loaded& loaded) {
  const auto check = [this, &loaded](const X509& certificate, std::size_t number) {
    const std::string which =
        number == 1 ? loaded.files->cert : format("{}, certificate {},", loaded.files->cert, number);
    const base::WallTime from = not_before_of(certificate);
    const base::WallTime until = not_after_of(certificate);
    if (now_ < from) {
      note(Kind::kNotYetValid, *loaded.files,
           format("{} is not valid before {}: clients refuse it; wait until then, or set this machine's clock right",
                  which, date_text(from)));
    } else if (now_ > until) {
      note(Kind::kExpired, *loaded.files,
           format("{} expired on {}: clients refuse it; renew it", which, date_text(until)));
    } else if (until - now_ <= CertStore::kExpiresSoon) {
      const auto days = std::chrono::duration_cast<std::chrono::days>(until - now_).count();
      note(Kind::kExpiresSoon, *loaded.files,
           format("{} expires in {} days, on {}; renew it", which, days, date_text(until)));
    }
  };
  check(*loaded.pair.leaf, 1);
  for (std::size_t i = 0; i < loaded.pair.chain.size(); ++i) check(*loaded.pair.chain[i], i + 2);
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

void Loader::check_chain(const Loaded& loaded) {
  X509* below = loaded.pair.leaf.get();
  std::size_t number = 1;
  for (const X509Ptr& above : loaded.pair.chain) {
    if (X509_check_issued(above.get(), below) != X509_V_OK) {
      note(Kind::kBrokenChain, *loaded.files,
           format("{}: certificate {} ({}) did not issue certificate {} before it, {} did: clients may refuse the "
                  "chain; put each issuer behind what it issued",
                  loaded.files->cert, number + 1, subject_text(*above), number, issuer_text(*below)));
      return;
    }
    below = above.get();
    ++number;
  }
  if (!loaded.pair.chain.empty() || is_self_signed(*below) || is_issuer_known(*below)) return;
  note(Kind::kNoChain, *loaded.files,
       format("{} comes without its issuer ({}), which the system does not know: clients that do not fetch it, "
              "payment platforms among them, refuse the certificate; use the file with the full chain",
              loaded.files->cert, issuer_text(*below)));
}

void Loader::check_key_file(const config::CertificateFiles& files) {
  struct stat status{};
  if (::stat(files.key.c_str(), &status) == -1 || (status.st_mode & (S_IROTH | S_IWOTH)) == 0) return;
  note(Kind::kOpenKeyFile, files,
       format("{} can be read or written by everybody on this machine; chmod 600 it", files.key), "key");
}

// The pairs of a site that serve `host`: one of each kind of key, of those that cover it where any does.
Loader::Selection Loader::select(const Selection& of_site, const std::string& host) const {
  Selection covering;
  std::ranges::copy_if(of_site, std::back_inserter(covering),
                       [this, &host](std::size_t pair) { return certificate_covers(*pairs_[pair].pair.leaf, host); });
  return one_of_each_kind(covering.empty() ? of_site : covering);
}

// The first RSA, the first ECDSA pair, and so on: what one SSL_CTX holds.
Loader::Selection Loader::one_of_each_kind(const Selection& pairs) const {
  Selection selection;
  for (const std::size_t candidate : pairs) {
    const int kind = EVP_PKEY_get_base_id(pairs_[candidate].pair.key.get());
    const bool has_kind = std::ranges::any_of(selection, [this, kind](std::size_t taken) {
      return EVP_PKEY_get_base_id(pairs_[taken].pair.key.get()) == kind;
    });
    if (!has_kind) selection.push_back(candidate);
  }
  return selection;
}

// The pair of a site by which it says its client_ca, the first where the config says it for all.
const config::CertificateFiles& files_with_client_ca(const config::Site& site) {
  const auto found = std::ranges::find_if(site.certificates, [](const auto& each) { return !each.client_ca.empty(); });
  return found != site.certificates.end() ? *found : site.certificates.front();
}

// Sites and hosts that show the same certificates, and ask clients for the same, share a context.
SSL_CTX* Loader::context_of(const Selection& selection, const config::Site& site) {
  const Wanted wanted{.pairs = selection, .client_ca = site.client_ca, .client_auth = site.client_auth};
  if (const auto found = made_.find(wanted); found != made_.end()) return found->second;
  auto context = make_server_context(tls_, ticket_keys_);
  if (!context.has_value()) {
    note(Kind::kUnusable, *pairs_[selection.front()].files, context.error().message);
    return made_[wanted] = nullptr;
  }
  for (const std::size_t pair : selection) {
    const auto used = use_key_pair(**context, pairs_[pair].pair);
    if (pairs_[pair].ocsp) staple(**context, *pairs_[pair].pair.leaf, *pairs_[pair].ocsp);
    if (used.has_value()) continue;
    const config::CertificateFiles& files = *pairs_[pair].files;
    note(Kind::kUnusable, files, format("{} cannot be served: {}", files.cert, used.error().message));
  }
  if (!site.client_ca.empty()) {
    stamps_.add(site.client_ca);
    const auto asks = ask_for_certificates(**context, site.client_ca, site.client_auth);
    if (!asks.has_value()) {
      note(Kind::kUnusable, files_with_client_ca(site), asks.error().message, "client_ca");
    }
  }
  contexts_->owned.push_back(std::move(*context));
  return made_[wanted] = contexts_->owned.back().get();
}

}  // namespace

CertLoad CertStore::load(std::span<const config::Site> sites, const config::ListenerTls& tls, TicketKeys& ticket_keys,
                         base::WallTime now) {
  Loader loader(sites, tls, ticket_keys, now);
  for (const config::Site& site : sites) loader.add_site(site);
  CertLoad load;
  if (!loader.has_errors()) {
    load.store = CertStore();
    load.store->default_context_ = loader.finish();
    load.store->certificates_ = loader.take_facts();
  }
  load.problems = loader.take_problems();
  load.stamps = loader.take_stamps();
  return load;
}

SslPtr CertStore::new_session(Alpn alpn) const {
  DCHECK(!empty());
  return new_server_session(*default_context_, alpn);
}

}  // namespace viaduct::tls

// SPDX-License-Identifier: Apache-2.0
#include "tls/cert_store.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/format.h"
#include "base/hash.h"
#include "tls/certificate.h"
#include "tls/client_auth.h"
#include "tls/hello_name.h"
#include "tls/pair_checks.h"

namespace viaduct::tls {
namespace {

using base::format;

using HostMap = std::unordered_map<std::string, SSL_CTX*, base::StringHash, std::equal_to<>>;

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

// Moves `ssl` to the context of the site `sent`, in the name of the default context's SiteContexts. False where there
// is none.
bool move_to_site(SSL& ssl, std::string_view sent, const void* contexts) {
  std::string name = base::lower_case(sent);
  if (name.ends_with('.')) name.pop_back();
  SSL_CTX* context = static_cast<const SiteContexts*>(contexts)->find(name);
  if (context == nullptr) return false;
  if (context != SSL_get_SSL_CTX(&ssl)) move_to_context(ssl, *context);
  return true;
}

// Before anything else of a hello is looked at: a ticket is opened, or refused, by the rules of the site that it is
// for.
int on_client_hello(SSL* ssl, int* /*alert*/, void* contexts) {
  if (const auto sent = hello_server_name(*ssl)) move_to_site(*ssl, *sent, contexts);
  return SSL_CLIENT_HELLO_SUCCESS;
}

// Answers SNI.
int select_context(SSL* ssl, int* /*alert*/, void* contexts) {
  const char* sent = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const bool is_known = sent != nullptr && move_to_site(*ssl, sent, contexts);
  return is_known ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

// Makes the store, gathering problems on the way.
class Loader {
 public:
  // `served` is gone on with where files are broken; null where there is none.
  Loader(std::span<const config::Site> sites, const config::ListenerTls& tls, TicketKeys& ticket_keys,
         base::WallTime now, const CertParts* served)
      : sites_(sites),
        tls_(tls),
        ticket_keys_(ticket_keys),
        now_(now),
        served_(served),
        contexts_(std::make_unique<SiteContexts>()) {}

  void add_site(const config::Site& site);
  // After all sites: what clients get whose name is unknown. Null without any certificate.
  SslCtxPtr finish();

  std::vector<CertProblem> take_problems() { return std::move(problems_); }
  FileStamps take_stamps() { return std::move(stamps_); }
  std::vector<CertFacts> take_facts() { return std::move(facts_); }
  CertParts take_parts() { return std::move(parts_); }
  // Whether something is missing that a site needs.
  bool has_failed() const { return has_failed_; }

 private:
  using Severity = CertProblem::Severity;
  using Kind = CertProblem::Kind;
  // Places in parts_.pairs.
  using Selection = std::vector<std::size_t>;

  // What a context is made of.
  struct Wanted {
    Selection pairs;
    std::string client_ca;
    config::ClientAuth client_auth = config::ClientAuth::kRequire;

    auto operator<=>(const Wanted&) const = default;
  };

  // What comes of something unusable: a site lacks it, or what was served stays.
  enum class Effect : std::uint8_t { kFails, kKept };

  void note(Kind kind, const config::CertificateFiles& files, std::string message, std::string_view key = "cert",
            Effect effect = Effect::kFails);
  std::string key_of(const config::CertificateFiles& files, std::string_view key) const;
  std::optional<std::size_t> add_pair(const config::CertificateFiles& files, const config::Site& site);
  std::optional<KeyPair> load_pair(const config::CertificateFiles& files);
  base::Result<KeyPair> load_usable_pair(const config::CertificateFiles& files);
  void load_stapled(const config::CertificateFiles& files, ServedPair& loaded);
  const std::vector<X509Ptr>* authorities_of(const config::Site& site);
  Selection select(const Selection& of_site, const std::string& host) const;
  Selection one_of_each_kind(const Selection& pairs) const;
  SSL_CTX* context_of(const Selection& selection, const config::Site& site);
  void note_bare_sites(const Selection& shown);

  std::span<const config::Site> sites_;
  const config::ListenerTls& tls_;
  TicketKeys& ticket_keys_;
  base::WallTime now_;
  const CertParts* served_;
  std::unique_ptr<SiteContexts> contexts_;
  std::map<Wanted, SSL_CTX*> made_;
  CertParts parts_;
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> pair_by_files_;
  std::vector<CertFacts> facts_;
  std::vector<CertProblem> problems_;
  FileStamps stamps_;
  SslCtxPtr trial_;  // takes every pair once, to see whether OpenSSL serves it
  bool has_failed_ = false;
  SSL_CTX* first_ = nullptr;    // of the first site that has a certificate
  SSL_CTX* default_ = nullptr;  // of the default site, if it has one
  Selection of_first_;
  Selection of_default_;
};

void Loader::add_site(const config::Site& site) {
  Selection of_site;
  for (const config::CertificateFiles& files : site.certificates) {
    if (const auto pair = add_pair(files, site)) of_site.push_back(*pair);
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
        of_site, [this, &host](std::size_t pair) { return certificate_covers(*parts_.pairs[pair].pair.leaf, host); });
    if (!is_covered) {
      const ServedPair& loaded = parts_.pairs[of_site.front()];
      note(Kind::kNotCovering, site.certificates.front(),
           format("{} does not cover {} (it is for {}): clients refuse it there; have one issued with that name",
                  loaded.cert_file, host, certificate_names_text(*loaded.pair.leaf, 5)));
    }
  }
  if (first_ == nullptr) {
    first_ = of_nameless;
    of_first_ = of_site;
  }
  if (site.is_default && default_ == nullptr) {
    default_ = of_nameless;
    of_default_ = of_site;
  }
}

// `shown`: what clients get whose name has no certificate.
void Loader::note_bare_sites(const Selection& shown) {
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    if (!sites_[i].certificates.empty()) continue;
    const auto is_bare = [this, &shown](const std::string& host) {
      return std::ranges::none_of(
          shown, [this, &host](std::size_t pair) { return certificate_covers(*parts_.pairs[pair].pair.leaf, host); });
    };
    const auto host = std::ranges::find_if(sites_[i].hosts, is_bare);
    if (host == sites_[i].hosts.end()) continue;
    const ServedPair& pair = parts_.pairs[shown.front()];
    problems_.push_back({.severity = Severity::kWarning,
                         .kind = Kind::kBareSite,
                         .file = pair.cert_file,
                         .message = format("the site has no certificate, and {} does not cover {} (it is for {}): "
                                           "clients refuse it there; add tls: {{ cert: FILE, key: FILE }}",
                                           pair.cert_file, *host, certificate_names_text(*pair.pair.leaf, 5)),
                         .key = format("sites[{}]", i),
                         .place = sites_[i].place});
  }
}

SslCtxPtr Loader::finish() {
  SSL_CTX* chosen = default_ != nullptr ? default_ : first_;
  if (chosen == nullptr) return nullptr;
  note_bare_sites(default_ != nullptr ? of_default_ : of_first_);
  const auto place = std::ranges::find(contexts_->owned, chosen, [](const SslCtxPtr& one) { return one.get(); });
  SslCtxPtr context = std::move(*place);
  contexts_->owned.erase(place);
  // The macros for these hold old casts.
  SSL_CTX_callback_ctrl(context.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, reinterpret_cast<void (*)()>(select_context));
  SSL_CTX_ctrl(context.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, 0, contexts_.get());
  SSL_CTX_set_client_hello_cb(context.get(), on_client_hello, contexts_.get());
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

void Loader::note(Kind kind, const config::CertificateFiles& files, std::string message, std::string_view key,
                  Effect effect) {
  has_failed_ = has_failed_ || (kind == Kind::kUnusable && effect == Effect::kFails);
  problems_.push_back({.severity = kind == Kind::kUnusable ? Severity::kError : Severity::kWarning,
                       .kind = kind,
                       .file = files.cert,
                       .message = std::move(message),
                       .key = key_of(files, key),
                       .place = files.place});
}

// Where in parts_.pairs the pair is, which is read unless another site has it too. Absent when that failed.
std::optional<std::size_t> Loader::add_pair(const config::CertificateFiles& files, const config::Site& site) {
  const std::tuple names(files.cert, files.key, files.ocsp);
  if (const auto found = pair_by_files_.find(names); found != pair_by_files_.end()) return found->second;
  // Sites may have the same pair and say different things of its OCSP answer.
  const auto same = std::ranges::find_if(parts_.pairs, [&files](const ServedPair& one) {
    return one.cert_file == files.cert && one.key_file == files.key;
  });
  const bool is_known = same != parts_.pairs.end();
  auto pair = is_known ? share(same->pair) : load_pair(files);
  if (!pair) return std::nullopt;
  ServedPair loaded{
      .cert_file = files.cert, .key_file = files.key, .ocsp_file = files.ocsp, .pair = std::move(*pair), .ocsp = {}};
  load_stapled(files, loaded);
  const X509& leaf = *loaded.pair.leaf;
  if (!is_known) {
    facts_.push_back({.file = files.cert,
                      .site = site.hosts.empty() ? "default" : site.hosts.front(),
                      .names = certificate_names(leaf),
                      .key = key_text(leaf),
                      .not_before = not_before_of(leaf),
                      .not_after = not_after_of(leaf)});
    const PairInUse use{.cert_file = files.cert, .key_file = files.key};
    for (PairFault& fault : pair_faults(loaded.pair, use, now_)) {
      note(fault.kind, files, std::move(fault.message), fault.key);
    }
  }
  pair_by_files_[names] = parts_.pairs.size();
  parts_.pairs.push_back(std::move(loaded));
  return parts_.pairs.size() - 1;
}

// The pair as its files have it now, else as it was served until now.
std::optional<KeyPair> Loader::load_pair(const config::CertificateFiles& files) {
  stamps_.add(files.cert);
  stamps_.add(files.key);
  auto pair = load_usable_pair(files);
  if (pair) return std::move(*pair);
  const ServedPair* kept = served_ != nullptr ? served_->find(files) : nullptr;
  if (kept == nullptr) {
    note(Kind::kUnusable, files, pair.error().message);
    return std::nullopt;
  }
  note(Kind::kUnusable, files, pair.error().message + "; until then the one that was read before is served", "cert",
       Effect::kKept);
  return share(kept->pair);
}

base::Result<KeyPair> Loader::load_usable_pair(const config::CertificateFiles& files) {
  auto pair = load_key_pair(files.cert, files.key);
  if (!pair) return pair;
  if (trial_ == nullptr) {
    auto context = make_server_context(tls_, ticket_keys_);
    if (!context) return std::unexpected(std::move(context).error());
    trial_ = std::move(*context);
  }
  if (const auto used = use_key_pair(*trial_, *pair); !used) {
    return base::fail(format("{} cannot be served: {}", files.cert, used.error().message));
  }
  return pair;
}

void Loader::load_stapled(const config::CertificateFiles& files, ServedPair& loaded) {
  if (files.ocsp.empty()) return;
  stamps_.add(files.ocsp);
  auto answer = load_ocsp(files.ocsp, loaded.pair, now_);
  if (answer.has_value()) {
    loaded.ocsp = std::move(*answer);
    return;
  }
  const ServedPair* kept = served_ != nullptr ? served_->find(files) : nullptr;
  // The file is for a pair that could not be taken. One that takes the place of an answer to the same pair may say that
  // the certificate is revoked.
  const bool is_kept_pair = kept != nullptr && kept->pair.leaf == loaded.pair.leaf;
  const bool still_holds = is_kept_pair && kept->ocsp && kept->ocsp->until > now_;
  std::string meanwhile = "nothing is stapled";
  if (still_holds) {
    loaded.ocsp = kept->ocsp;
    meanwhile = "the answer that was read before is stapled, which ends on " + date_text(kept->ocsp->until);
  }
  note(Kind::kNotStapled, files, format("{}; until then {}", answer.error().message, meanwhile), "ocsp");
}

// The pairs of a site that serve `host`: one of each kind of key, of those that cover it where any does.
Loader::Selection Loader::select(const Selection& of_site, const std::string& host) const {
  Selection covering;
  std::ranges::copy_if(of_site, std::back_inserter(covering), [this, &host](std::size_t pair) {
    return certificate_covers(*parts_.pairs[pair].pair.leaf, host);
  });
  return one_of_each_kind(covering.empty() ? of_site : covering);
}

// The first RSA, the first ECDSA pair, and so on: what one SSL_CTX holds.
Loader::Selection Loader::one_of_each_kind(const Selection& pairs) const {
  Selection selection;
  for (const std::size_t candidate : pairs) {
    const int kind = EVP_PKEY_get_base_id(parts_.pairs[candidate].pair.key.get());
    const bool has_kind = std::ranges::any_of(selection, [this, kind](std::size_t taken) {
      return EVP_PKEY_get_base_id(parts_.pairs[taken].pair.key.get()) == kind;
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

// What a site's client_ca holds, now or else when it was read before. Null where neither can be had.
const std::vector<X509Ptr>* Loader::authorities_of(const config::Site& site) {
  if (const auto found = parts_.authorities.find(site.client_ca); found != parts_.authorities.end()) {
    return &found->second;
  }
  stamps_.add(site.client_ca);
  auto loaded = load_certificates(site.client_ca);
  if (loaded) return &(parts_.authorities[site.client_ca] = std::move(*loaded));
  const config::CertificateFiles& files = files_with_client_ca(site);
  const bool is_kept = served_ != nullptr && served_->authorities.contains(site.client_ca);
  if (!is_kept) {
    note(Kind::kUnusable, files, loaded.error().message, "client_ca");
    return nullptr;
  }
  note(Kind::kUnusable, files, loaded.error().message + "; until then those that were read before are believed",
       "client_ca", Effect::kKept);
  return &(parts_.authorities[site.client_ca] = share(served_->authorities.at(site.client_ca)));
}

// Sites and hosts that show the same certificates, and ask clients for the same, share a context.
SSL_CTX* Loader::context_of(const Selection& selection, const config::Site& site) {
  const Wanted wanted{.pairs = selection, .client_ca = site.client_ca, .client_auth = site.client_auth};
  if (const auto found = made_.find(wanted); found != made_.end()) return found->second;
  auto context = make_server_context(tls_, ticket_keys_);
  CHECK(context.has_value());  // so was trial_
  for (const std::size_t place : selection) {
    const ServedPair& served = parts_.pairs[place];
    CHECK(use_key_pair(**context, served.pair).has_value());  // so did trial_
    if (served.ocsp) staple(**context, *served.pair.leaf, *served.ocsp);
  }
  if (!site.client_ca.empty()) {
    const std::vector<X509Ptr>* authorities = authorities_of(site);
    if (authorities != nullptr) ask_for_certificates(**context, *authorities, site.client_auth);
  }
  contexts_->owned.push_back(std::move(*context));
  return made_[wanted] = contexts_->owned.back().get();
}

void append_digest(std::string& digest, std::span<const unsigned char> bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash;
  SHA256(bytes.data(), bytes.size(), hash.data());
  digest.append(reinterpret_cast<const char*>(hash.data()), hash.size());
}

void append_digest(std::string& digest, const X509& certificate) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash;
  CHECK(X509_digest(&certificate, EVP_sha256(), hash.data(), nullptr) == 1);
  digest.append(reinterpret_cast<const char*>(hash.data()), hash.size());
}

// Differs where any part does.
std::string digest_of(const CertParts& parts) {
  std::string digest;
  for (const ServedPair& served : parts.pairs) {
    digest += format("pair {} ", served.pair.chain.size());
    append_digest(digest, *served.pair.leaf);
    for (const X509Ptr& certificate : served.pair.chain) append_digest(digest, *certificate);
    if (!served.ocsp) continue;
    digest += "ocsp ";
    const std::string& der = served.ocsp->der;
    append_digest(digest, std::span(reinterpret_cast<const unsigned char*>(der.data()), der.size()));
  }
  for (const auto& [file, certificates] : parts.authorities) digest += " authorities " + authorities_id(certificates);
  return digest;
}

}  // namespace

const ServedPair* CertParts::find(const config::CertificateFiles& files) const {
  const auto found = std::ranges::find_if(pairs, [&files](const ServedPair& one) {
    return one.cert_file == files.cert && one.key_file == files.key && one.ocsp_file == files.ocsp;
  });
  return found == pairs.end() ? nullptr : &*found;
}

CertLoad CertStore::load(std::span<const config::Site> sites, const config::ListenerTls& tls, TicketKeys& ticket_keys,
                         base::WallTime now) {
  return load_over(nullptr, sites, tls, ticket_keys, now);
}

CertLoad CertStore::renew(const CertStore& served, std::span<const config::Site> sites, const config::ListenerTls& tls,
                          TicketKeys& ticket_keys, base::WallTime now) {
  return load_over(&served.parts_, sites, tls, ticket_keys, now);
}

CertLoad CertStore::load_over(const CertParts* served, std::span<const config::Site> sites,
                              const config::ListenerTls& tls, TicketKeys& ticket_keys, base::WallTime now) {
  Loader loader(sites, tls, ticket_keys, now, served);
  for (const config::Site& site : sites) loader.add_site(site);
  CertLoad load;
  if (!loader.has_failed()) {
    load.store = CertStore();
    load.store->default_context_ = loader.finish();
    load.store->certificates_ = loader.take_facts();
    load.store->parts_ = loader.take_parts();
    load.store->digest_ = digest_of(load.store->parts_);
  }
  load.problems = loader.take_problems();
  load.stamps = loader.take_stamps();
  return load;
}

std::string CertStore::authorities_of(const config::Site& site) const {
  const auto found = parts_.authorities.find(site.client_ca);
  return found == parts_.authorities.end() ? "" : authorities_id(found->second);
}

SslPtr CertStore::new_session(Alpn alpn) const {
  DCHECK(!empty());
  return new_server_session(*default_context_, alpn);
}

}  // namespace viaduct::tls

// SPDX-License-Identifier: Apache-2.0
#include "daemon/part_checks.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include "action/redirect.h"
#include "action/static_file.h"
#include "base/format.h"
#include "config/inherited.h"
#include "config/match_rules.h"
#include "filter/edit_fields.h"
#include "observe/line_format.h"
#include "route/regex.h"
#include "tls/cert_store.h"
#include "tls/client_context.h"
#include "tls/key_pair.h"
#include "upstream/upstream.h"

namespace viaduct::daemon {
namespace {

using base::format;
using config::Problem;
using Problems = std::vector<Problem>;

// The keys of errors that are known already.
class Told {
 public:
  Told() = default;
  explicit Told(const Problems& problems) {
    for (const Problem& problem : problems) {
      if (problem.severity == config::Severity::kError) keys_.insert(problem.key);
    }
  }

  bool has(const std::string& key) const { return keys_.contains(key); }
  // True when one is about `key` or a part of it.
  bool has_within(const std::string& key) const {
    const auto begins = [this](const std::string& start) {
      const auto found = keys_.lower_bound(start);
      return found != keys_.end() && found->starts_with(start);
    };
    return has(key) || begins(key + ".") || begins(key + "[");
  }

 private:
  std::set<std::string> keys_;
};

std::string route_key(std::size_t site, std::size_t route) {
  return format("sites[{}].routes[{}]", site, route);
}

class PartChecks {
 public:
  // Both must outlive this.
  PartChecks(const config::Config& config, const Told& told) : config_(config), told_(told) {}

  void check_routes() {
    for (std::size_t i = 0; i < config_.sites.size(); ++i) {
      for (std::size_t j = 0; j < config_.sites[i].routes.size(); ++j) {
        const config::Route& route = config_.sites[i].routes[j];
        check_match(route, route_key(i, j));
        check_rewrite(route, route_key(i, j));
        check_root(route, route_key(i, j));
        check_texts(route, route_key(i, j));
        if (route.callback != config::CallbackProvider::kNone) check_callback(i, j);
      }
    }
  }

  void check_upstreams() {
    for (const config::Upstream& upstream : config_.upstreams) {
      if (upstream.servers.size() <= upstream::Upstream::kServersMax) continue;
      fail(upstream.place, "upstreams." + upstream.name + ".servers",
           format("{} servers, {} are allowed; make two upstreams of them, or put them behind fewer addresses",
                  upstream.servers.size(), upstream::Upstream::kServersMax));
    }
  }

  void check_access_log() {
    if (config_.access_log.format != config::AccessFormat::kTemplate) return;
    if (auto parsed = observe::LineFormat::from_template(config_.access_log.line_template); !parsed) {
      fail({}, "logs.access.format", parsed.error().message);
    }
  }

  void check_client_authorities() {
    const std::string& of_all = config_.tls.client_ca;
    const bool is_used = std::ranges::any_of(config_.sites, [&of_all](const config::Site& site) {
      return !site.certificates.empty() && site.client_ca == of_all;
    });
    if (is_used) check_authorities({}, "tls.client_ca", of_all);
    for (std::size_t i = 0; i < config_.sites.size(); ++i) {
      for (std::size_t j = 0; j < config_.sites[i].certificates.size(); ++j) {
        const config::CertificateFiles& files = config_.sites[i].certificates[j];
        check_authorities(files.place, format("sites[{}].tls[{}].client_ca", i, j), files.client_ca);
      }
    }
  }

  // What upstreams are called with, as far as nothing is told of it.
  void check_upstream_tls() {
    for (const config::Upstream& upstream : config_.upstreams) {
      const std::string key = "upstreams." + upstream.name;
      const bool may_have_tls = told_.has_within(key + ".servers");
      if (!may_have_tls && std::ranges::none_of(upstream.servers, &config::Server::tls)) continue;
      config::UpstreamTls tls = upstream.tls;
      if (told_.has_within(key + ".tls.ca")) tls.ca.clear();
      const bool is_pair = !tls.cert.empty() && !tls.key.empty();
      if (!is_pair || told_.has_within(key + ".tls.cert") || told_.has_within(key + ".tls.key")) {
        tls.cert.clear();
        tls.key.clear();
      }
      for (TlsFault& fault : find_tls_faults(tls))
        fail(upstream.place, key + "." + fault.key, std::move(fault.message));
    }
  }

  // The pairs of sites one by one, as far as nothing is told of them.
  void check_pairs(const config::Places& places, tls::TicketKeys& ticket_keys, base::WallTime now) {
    for (std::size_t i = 0; i < config_.sites.size(); ++i) {
      for (std::size_t j = 0; j < config_.sites[i].certificates.size(); ++j) {
        const std::string key = format("sites[{}].tls[{}]", i, j);
        const std::string written = config::find_written_path(places, key);
        if (told_.has_within(written + ".cert") || told_.has_within(written + ".key")) continue;
        check_pair(config_.sites[i].certificates[j], key, ticket_keys, now);
      }
    }
  }

  Problems take_problems() { return std::move(problems_); }

 private:
  void fail(const config::Place& place, std::string key, std::string message) {
    problems_.push_back({.place = place, .key = std::move(key), .message = std::move(message)});
  }

  void fail_regex(const config::Route& route, std::string key, const std::string& pattern, std::string_view fault) {
    fail(route.place, std::move(key),
         format("`{}` is no regular expression: {}; write it as RE2 reads it", pattern, fault));
  }

  void check_match(const config::Route& route, const std::string& key) {
    for (std::size_t k = 0; k < route.match.regex.size(); ++k) {
      const std::string& pattern = route.match.regex[k];
      // An empty one is told already.
      if (pattern.empty()) continue;
      const auto regex = route::Regex::compile(pattern);
      if (!regex) fail_regex(route, format("{}.match.regex[{}]", key, k), pattern, regex.error().message);
    }
  }

  void check_rewrite(const config::Route& route, const std::string& key) {
    const auto* replace = route.rewrite ? std::get_if<config::ReplaceRegex>(&*route.rewrite) : nullptr;
    if (replace == nullptr || told_.has(key + ".rewrite")) return;
    if (std::holds_alternative<config::StaticAction>(route.action)) {
      return fail(route.place, key + ".rewrite.regex", "a regex does not work with static; use strip_prefix or prefix");
    }
    const auto regex = route::Regex::compile(replace->pattern);
    if (!regex) return fail_regex(route, key + ".rewrite.regex[0]", replace->pattern, regex.error().message);
    if (const auto checked = regex->check_replacement(replace->replacement); !checked) {
      fail(route.place, key + ".rewrite.regex[1]", checked.error().message);
    }
  }

  void check_root(const config::Route& route, const std::string& key) {
    const auto* files = std::get_if<config::StaticAction>(&route.action);
    if (files == nullptr || files->root.empty() || config_.opens_no_files) return;
    if (const auto made = action::StaticFile::make(*files, std::nullopt); !made) {
      fail(route.place, key + ".static.root", made.error().message);
    }
  }

  void check_texts(const config::Route& route, const std::string& key) {
    const auto* redirect = std::get_if<config::RedirectAction>(&route.action);
    if (redirect != nullptr && !redirect->to.empty()) {
      if (const auto made = action::Redirect::make(*redirect); !made) {
        fail(route.place, key + ".redirect.to", made.error().message);
      }
    }
    if (const auto made = filter::EditFields::make(route.headers); !made) {
      fail(route.place, key + ".headers", made.error().message);
    }
  }

  // Exact paths come before regular expressions, those of callback routes too.
  void check_callback(std::size_t site, std::size_t route) {
    const config::Route& callback = config_.sites[site].routes[route];
    if (told_.has_within(route_key(site, route) + ".match")) return;
    for (const std::string& pattern : callback.match.regex) {
      const auto regex = route::Regex::compile(pattern);
      if (regex) check_callback(site, callback, *regex);
    }
  }

  void check_callback(std::size_t site, const config::Route& callback, const route::Regex& regex) {
    const std::vector<config::Route>& routes = config_.sites[site].routes;
    for (std::size_t j = 0; j < routes.size(); ++j) {
      const config::Route& other = routes[j];
      if (other.callback != config::CallbackProvider::kNone || told_.has_within(route_key(site, j))) continue;
      if (!config::takes_callback_requests(other.match, callback.match)) continue;
      const auto found = std::ranges::find_if(other.match.exact, [&](const auto& path) { return regex.matches(path); });
      if (found == other.match.exact.end()) continue;
      fail(other.place, route_key(site, j) + ".match.exact",
           format("{} is found by the regex of the callback route \"{}\", and this route takes its requests "
                  "first; give this one methods that the callback does not take, or the callback exact paths",
                  *found, callback.name));
    }
  }

  void check_authorities(const config::Place& place, std::string key, const std::string& file) {
    if (file.empty()) return;
    if (const auto loaded = tls::load_certificates(file); !loaded) fail(place, std::move(key), loaded.error().message);
  }

  void check_pair(const config::CertificateFiles& files, const std::string& key, tls::TicketKeys& ticket_keys,
                  base::WallTime now) {
    if (files.cert.empty() || files.key.empty()) return;
    std::vector<config::Site> site(1);
    site[0].certificates = {files};
    for (tls::CertProblem& problem : tls::CertStore::load(site, config_.tls, ticket_keys, now).problems) {
      if (problem.severity != tls::CertProblem::Severity::kError) continue;
      fail(files.place, key + problem.key.substr(problem.key.rfind('.')), std::move(problem.message));
    }
  }

  const config::Config& config_;
  const Told& told_;
  Problems problems_;
};

}  // namespace

Problems check_parts(const config::Config& config) {
  const Told nothing;
  PartChecks checks(config, nothing);
  checks.check_routes();
  checks.check_upstreams();
  checks.check_access_log();
  return checks.take_problems();
}

Problems check_readable_parts(const config::LoadResult& loaded, tls::TicketKeys& ticket_keys, base::WallTime now) {
  const config::Config& config = *loaded.readable;
  const Told told(loaded.problems);
  PartChecks checks(config, told);
  checks.check_routes();
  checks.check_upstreams();
  checks.check_access_log();
  checks.check_upstream_tls();
  if (told.has_within("listeners") || std::ranges::any_of(config.listeners, &config::Listener::tls)) {
    checks.check_pairs(loaded.places, ticket_keys, now);
    checks.check_client_authorities();
  }
  Problems problems = checks.take_problems();
  for (Problem& problem : problems) locate(problem, loaded.places);
  std::erase_if(problems, [&told](const Problem& problem) { return told.has_within(problem.key); });
  return problems;
}

Problems check_client_authorities(const config::Config& config) {
  const Told nothing;
  PartChecks checks(config, nothing);
  checks.check_client_authorities();
  return checks.take_problems();
}

std::vector<TlsFault> find_tls_faults(const config::UpstreamTls& tls) {
  std::vector<TlsFault> faults;
  if (!tls.ca.empty()) {
    if (const auto loaded = tls::load_certificates(tls.ca); !loaded)
      faults.push_back({"tls.ca", loaded.error().message});
  }
  if (!tls.cert.empty()) {
    const auto pair = tls::load_key_pair(tls.cert, tls.key);
    if (!pair) faults.push_back({"tls.cert", pair.error().message});
  }
  if (!faults.empty()) return faults;
  if (const auto context = tls::ClientContext::load(tls); !context) faults.push_back({"tls", context.error().message});
  return faults;
}

void locate(Problem& problem, const config::Places& places) {
  if (std::string written = config::find_written_path(places, problem.key); !written.empty()) {
    problem.place = places.value(written);
    problem.key = std::move(written);
  } else if (problem.place.line == 0) {
    problem.place = places.nearest(problem.key);
  }
}

}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_sites.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "base/format.h"
#include "os/access.h"
#include "tls/cert_store.h"
#include "tls/certificate.h"

namespace viaduct::cli {
namespace {

using config::Problem;
using config::Severity;
using Kind = tls::CertProblem::Kind;

// Files and directories, certificates, the roots of static routes, and what upstreams need for TLS. Of the files that
// are read with the config there is nothing more to look at.
bool is_told_elsewhere(const Problem& problem) {
  if (problem.key.ends_with(".basic_auth.file")) return false;
  const bool is_about_pair = problem.key.starts_with("sites[") && problem.key.contains("].tls");
  const bool is_about_tls =
      problem.key.ends_with(".tls") || (problem.severity == Severity::kError && problem.key.contains(".tls."));
  return problem.is_about_file || is_about_pair || problem.key == "tls.client_ca" ||
         problem.key.ends_with(".static.root") || (problem.key.starts_with("upstreams.") && is_about_tls);
}

std::string place_text(const Problem& problem, const std::string& file) {
  const std::string where =
      problem.place.line == 0 ? file
                              : base::format("{}:{}:{}", problem.place.file, problem.place.line, problem.place.column);
  return problem.key.empty() ? where : where + " " + problem.key;
}

std::string counts_text(const config::Config& config) {
  std::size_t routes = 0;
  for (const config::Site& site : config.sites) routes += site.routes.size();
  return base::format("loads: {} listeners, {} upstreams, {} sites, {} routes", config.listeners.size(),
                      config.upstreams.size(), config.sites.size(), routes);
}

FindingState state_of(Kind kind) {
  switch (kind) {
    case Kind::kUnusable:
    case Kind::kNotYetValid:
    case Kind::kExpired:
    case Kind::kNotCovering: return FindingState::kFault;
    // Not every client minds these, and a private authority may be known to all that come.
    case Kind::kExpiresSoon:
    case Kind::kBrokenChain:
    case Kind::kNoChain:
    case Kind::kWeakKey:
    case Kind::kOpenKeyFile:
    case Kind::kNotStapled:
    case Kind::kBareSite: break;
  }
  return FindingState::kWarning;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

void report_pair(const config::Site& site, const tls::CertFacts& facts, base::WallTime now, DoctorReport& report) {
  const auto days = std::chrono::floor<std::chrono::days>(facts.not_after - now).count();
  report.ok("certificate", facts.site,
            base::format("{} ({}) covers {}, {} days left, until {}", facts.file, facts.key, joined(site.hosts), days,
                         tls::date_text(facts.not_after)));
}

// A renewed pair is read by the user that the daemon has become.
void check_renewal(const config::Site& site, const std::string& user, DoctorReport& report) {
  const auto acting = os::ActingUser::become(user);
  if (!acting) return;
  for (const config::CertificateFiles& files : site.certificates) {
    for (const std::string* file : {&files.cert, &files.key}) {
      if (os::try_access(*file, os::Access::kRead) != EACCES) continue;
      report.warn("certificate", site.hosts.empty() ? "default" : site.hosts.front(),
                  base::format("{} cannot be read by {}, so that a renewed one is not picked up", *file,
                               user.empty() ? "us" : user),
                  "give it to a group of that user: chgrp, chmod 640");
    }
  }
}

void check_site(const config::Site& site, const config::ListenerTls& tls, tls::TicketKeys& ticket_keys,
                base::WallTime now, DoctorReport& report) {
  const tls::CertLoad load = tls::CertStore::load(std::span(&site, 1), tls, ticket_keys, now);
  for (const tls::CertProblem& problem : load.problems) {
    report.add_split(state_of(problem.kind), "certificate", site.hosts.empty() ? "default" : site.hosts.front(),
                     problem.message);
  }
  if (!load.store) return;
  for (const tls::CertFacts& facts : load.store->certificates()) {
    if (std::ranges::none_of(load.problems, [&](const auto& problem) { return problem.file == facts.file; })) {
      report_pair(site, facts, now, report);
    }
  }
}

}  // namespace

ExaminedConfig examine_config(const std::string& file, tls::TicketKeys& ticket_keys, base::WallTime now) {
  config::LoadOptions options;
  options.forgives_files = true;
  ExaminedConfig examined{.loaded = config::load_file(file, options), .built = {}};
  if (examined.loaded.config == nullptr) return examined;
  examined.built = daemon::build_snapshot(*examined.loaded.config, 1, ticket_keys, now);
  for (Problem& problem : examined.built.problems) {
    if (examined.loaded.places.has(problem.key)) problem.place = examined.loaded.places.value(problem.key);
  }
  return examined;
}

void check_config(const std::string& file, const ExaminedConfig& examined, DoctorReport& report) {
  std::size_t told_elsewhere = 0;
  std::size_t told = 0;
  for (const auto* problems : {&examined.loaded.problems, &examined.built.problems}) {
    for (const Problem& problem : *problems) {
      const bool is_error = problem.severity == Severity::kError || problem.is_about_file;
      if (is_told_elsewhere(problem)) {
        told_elsewhere += is_error;
        continue;
      }
      told += is_error;
      report.add_split(is_error ? FindingState::kFault : FindingState::kWarning, "config", place_text(problem, file),
                       problem.message);
    }
  }
  if (told > 0) return;
  if (told_elsewhere == 0) return report.ok("config", file, counts_text(*examined.loaded.config));
  report.fail("config", file, "does not load because of files that it names", "see the lines that failed below");
}

void check_certificates(const config::Config& config, tls::TicketKeys& ticket_keys, base::WallTime now,
                        DoctorReport& report) {
  if (std::ranges::none_of(config.listeners, &config::Listener::tls)) return;
  for (const config::Site& site : config.sites) {
    if (site.certificates.empty()) continue;
    check_site(site, config.tls, ticket_keys, now, report);
    check_renewal(site, config.process.user, report);
  }
}

}  // namespace viaduct::cli

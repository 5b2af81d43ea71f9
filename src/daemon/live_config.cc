// SPDX-License-Identifier: Apache-2.0
#include "daemon/live_config.h"

#include <algorithm>
#include <iterator>
#include <ranges>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "daemon/config_changes.h"
#include "daemon/listen.h"
#include "daemon/loading.h"
#include "os/process.h"

namespace viaduct::daemon {
namespace {

using Lines = std::vector<std::string>;

// Warnings of a reload that the log gets; `check` has them all.
constexpr std::size_t kWarningLinesMax = 50;

base::LogOptions error_log_options(const config::ErrorLog& log) {
  return {.file = log.file, .level = log.level};
}

void append(Lines& lines, Lines more) {
  std::ranges::move(more, std::back_inserter(lines));
}

std::set<std::string> messages_of(const std::vector<config::Problem>& problems) {
  std::set<std::string> messages;
  for (const config::Problem& problem : problems) messages.insert(problem.message);
  return messages;
}

// The first error that is not among those that were told; empty where there is none.
std::string first_refusal(const std::vector<config::Problem>& problems, const std::set<std::string>& told) {
  const auto found = std::ranges::find_if(problems, [&told](const config::Problem& problem) {
    return problem.severity == config::Severity::kError && !told.contains(problem.message);
  });
  return found == problems.end() ? "" : found->message;
}

}  // namespace

LiveConfig::LiveConfig(Setup setup, std::vector<std::unique_ptr<Worker>>& workers, ConfigFollower& follower)
    : clock_(setup.clock),
      ticket_keys_(setup.ticket_keys),
      config_file_(std::move(setup.config_file)),
      config_(std::move(setup.config)),
      started_(config_),
      built_(std::move(setup.built)),
      sources_(std::move(setup.sources)),
      workers_(workers),
      follower_(follower),
      worker_count_(config_.process.workers.value_or(os::usable_cores())),
      listeners_(worker_count_) {
  CHECK(built_.snapshot != nullptr);
  told_ = messages_of(built_.problems);
  follower_.on_snapshot(*built_.snapshot);
}

// ---- at the start ---------------------------------------------------------------------------------------------------

base::Result<void> LiveConfig::open_logs() {
  TRY(base::log_open(error_log_options(config_.error_log)));
  auto sink = open_access_sink(config_.access_log);
  if (!sink) return std::unexpected(std::move(sink).error());
  access_sink_ = std::move(*sink);
  return {};
}

base::Result<std::vector<std::vector<WorkerListener>>> LiveConfig::open_listeners(
    std::vector<InheritedListener>& inherited) {
  auto change = listeners_.prepare(config_.listeners, inherited);
  if (!change) return std::unexpected(std::move(change).error());
  new_files_ = std::move(change->new_files);
  return listeners_.commit(std::move(*change));
}

// Null where there is no log.
base::Result<std::unique_ptr<base::LogSink>> LiveConfig::open_access_sink(const config::AccessLog& log) const {
  if (log.file.empty()) return nullptr;
  return base::LogSink::open(log.file);
}

// ---- while it runs --------------------------------------------------------------------------------------------------

base::Result<Lines> LiveConfig::reload() {
  if (config_file_.empty()) return base::fail("this instance was not started from a config file");
  return load(config_file_, {});
}

base::Result<Lines> LiveConfig::load_kept(const std::string& main, const config::Texts& texts) {
  auto lines = load(main, {.texts = &texts});
  if (lines) sources_ = {};
  return lines;
}

base::Result<Lines> LiveConfig::restore(config::Config config) {
  BuildResult built = build_snapshot(config, next_version_, ticket_keys_, clock_.wall_now(), built_.snapshot.get());
  const std::vector<config::Problem> problems = built.problems;
  if (built.snapshot != nullptr) {
    auto lines = replace_or_tell(std::move(config), std::move(built));
    if (lines) accept(problems);
    return lines;
  }
  return refuse(problems, {});
}

std::unexpected<base::Error> LiveConfig::refuse(const std::vector<config::Problem>& problems,
                                                const config::Sources& sources) {
  Refusal refusal = describe_refusal(problems, sources);
  for (const std::string& line : refusal.lines) LOG_ERROR("reload_refused error={}", base::quoted(line));
  follower_.on_refusal(refusal.first);
  return base::fail(std::move(refusal.text));
}

base::Result<Lines> LiveConfig::load(const std::string& file, const config::LoadOptions& options) {
  auto [loaded, built] = load_and_build(file, options,
                                        {.ticket_keys = ticket_keys_,
                                         .version = next_version_,
                                         .now = clock_.wall_now(),
                                         .served = built_.snapshot.get()});
  if (built.snapshot == nullptr) return refuse(loaded.problems, loaded.sources);
  auto lines = replace_or_tell(std::move(*loaded.config), std::move(built));
  if (!lines) return lines;
  accept(loaded.problems);
  sources_ = std::move(loaded.sources);
  return lines;
}

base::Result<Lines> LiveConfig::replace_or_tell(config::Config next, BuildResult built) {
  auto lines = replace(std::move(next), std::move(built));
  if (!lines) {
    LOG_ERROR("reload_refused error={}", base::quoted(lines.error().message));
    follower_.on_refusal(lines.error().message);
  }
  return lines;
}

base::Result<Lines> LiveConfig::replace(config::Config next, BuildResult built) {
  auto change = listeners_.prepare(next.listeners);
  if (!change) return std::unexpected(std::move(change).error());
  const bool is_other_file = next.access_log.file != config_.access_log.file;
  std::unique_ptr<base::LogSink> sink;
  if (is_other_file) {
    auto opened = open_access_sink(next.access_log);
    if (!opened) return std::unexpected(std::move(opened).error());
    sink = std::move(*opened);
  }
  if (next.error_log != config_.error_log) TRY(base::log_open(error_log_options(next.error_log)));
  // From here on nothing fails.
  Lines lines = describe_changes(config_, next);
  append(lines, std::move(change->lines));
  append(lines, describe_renewals(built));
  append(lines, describe_pending(started_, next));
  const bool changes_log = next.access_log != config_.access_log;
  if (is_other_file) {
    std::swap(access_sink_, sink);
    if (sink != nullptr) old_sinks_.push_back({.sink = std::move(sink), .version = built.snapshot->version});
  }
  config_ = std::move(next);
  publish(std::move(built), listeners_.commit(std::move(*change)), changes_log);
  LOG_INFO("reloaded snapshot={} changes={}", built_.snapshot->version, lines.size());
  for (const std::string& line : lines | std::views::take(kChangeLinesMax)) {
    LOG_INFO("reload_change what={}", base::quoted(line));
  }
  return lines;
}

Lines LiveConfig::describe_renewals(const BuildResult& built) const {
  Lines lines = describe_certificate_changes(built_.snapshot->certificates.get(), built.snapshot->certificates.get());
  // Authorities of clients, answers by OCSP, what upstreams are called with: nothing is known of those but their files.
  if (lines.empty() && built_.certificate_stamps.changed()) lines.emplace_back("files of certificates were read anew");
  return lines;
}

// Served all the same, and what a command printed at night nobody reads.
void LiveConfig::accept(const std::vector<config::Problem>& warnings) {
  for (const config::Problem& warning : warnings | std::views::take(kWarningLinesMax)) {
    LOG_WARNING("reload_warning key={} warning={}", warning.key, base::quoted(warning.message));
  }
  told_ = messages_of(warnings);
  renewal_failed_ = false;
}

void LiveConfig::publish(BuildResult built, std::vector<std::vector<WorkerListener>> listeners, bool changes_log) {
  ++next_version_;
  has_published_ = true;
  built_ = std::move(built);
  follower_.on_snapshot(*built_.snapshot);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    Publication publication{.snapshot = built_.snapshot, .drain = config_.process.drain};
    if (!listeners.empty()) publication.listeners = std::move(listeners[i]);
    if (changes_log) {
      publication.access_log = {.options = access_log_options(config_.access_log), .sink = access_sink_.get()};
    }
    workers_[i]->publish(std::move(publication));
  }
  follower_.on_config(config_);
}

void LiveConfig::renew_certificates() {
  if (!built_.certificate_stamps.changed() && !renewal_failed_) return;
  // From the config in memory: an edit of the file that nobody has asked for must not come along.
  BuildResult renewed = daemon::renew_certificates(built_, next_version_, ticket_keys_, clock_.wall_now());
  const std::string news = first_refusal(renewed.problems, told_);
  const std::string refusal = news.empty() ? first_refusal(renewed.problems, {}) : news;
  const bool is_mended = std::exchange(renewal_failed_, !refusal.empty()) && refusal.empty();
  tell(renewed.problems);
  const bool differs = renewed.differs;
  if (differs || is_mended) {
    publish(std::move(renewed), {}, false);
    LOG_INFO("certificates_renewed snapshot={}", built_.snapshot->version);
  } else {
    built_.certificate_stamps = std::move(renewed.certificate_stamps);
    built_.upstream_stamps = std::move(renewed.upstream_stamps);
  }
  // What was published has made forget the refusals before it.
  if (!news.empty() || (differs && !refusal.empty())) follower_.on_refusal("renewal of certificates: " + refusal);
}

void LiveConfig::tell(const std::vector<config::Problem>& problems) {
  std::set<std::string> told;
  for (const config::Problem& problem : problems) {
    // Sites may have a file in common.
    const bool is_repeated = !told.insert(problem.message).second;
    if (is_repeated || told_.contains(problem.message)) continue;
    if (problem.severity == config::Severity::kError) {
      LOG_ERROR("certificate_refused key={} error={}", problem.key, base::quoted(problem.message));
    } else {
      LOG_WARNING("certificate_warning key={} warning={}", problem.key, base::quoted(problem.message));
    }
  }
  told_ = std::move(told);
}

void LiveConfig::reopen_logs() {
  for (const auto& worker : workers_) worker->flush_log();
  const auto error_log = base::log_reopen();
  if (!error_log) LOG_ERROR("log_reopen_failed error={}", base::quoted(error_log.error().message));
  const auto access_log = access_sink_ == nullptr ? base::Result<void>() : access_sink_->reopen();
  if (!access_log) LOG_ERROR("log_reopen_failed error={}", base::quoted(access_log.error().message));
  if (error_log && access_log) LOG_INFO("logs_reopened");
}

void LiveConfig::sweep() {
  std::erase_if(old_sinks_, [this](const OldSink& old) {
    return std::ranges::all_of(workers_, [&old](const auto& worker) { return worker->adopted() >= old.version; });
  });
  // By now the workers have let go of the snapshot before the last one.
  if (std::exchange(has_published_, false)) os::release_free_memory();
}

}  // namespace viaduct::daemon

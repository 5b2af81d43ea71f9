// SPDX-License-Identifier: Apache-2.0
// The config that the process serves: loaded, built, and published to the workers together with what only the process
// has, its listeners and its log files. A new one is prepared aside as a whole; where any part of it cannot be had, the
// old one stays in all its parts. Owned by the supervisor, main thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/log_sink.h"
#include "config/load.h"
#include "daemon/build.h"
#include "daemon/listener_table.h"
#include "daemon/worker.h"

namespace viaduct::daemon {

// Who follows the config on the main thread.
class ConfigFollower {
 public:
  // `snapshot` is about to be published.
  virtual void on_snapshot(exchange::Snapshot& snapshot) = 0;
  // `config` is published from now on.
  virtual void on_config(const config::Config& config) = 0;
  // A new one was not; `why` is one line.
  virtual void on_refusal(const std::string& why) = 0;

 protected:
  ~ConfigFollower() = default;
};

class LiveConfig {
 public:
  struct Setup {
    const base::Clock& clock;
    tls::TicketKeys& ticket_keys;
    std::string config_file;  // read again by reload(); empty: a reload is refused
    config::Config config;
    BuildResult built;          // REQUIRES: built.snapshot
    config::Sources sources{};  // that `config` was read from
  };

  // `workers` are those that get what is published; they and `follower` must outlive the object.
  LiveConfig(Setup setup, std::vector<std::unique_ptr<Worker>>& workers, ConfigFollower& follower);
  LiveConfig(const LiveConfig&) = delete;
  LiveConfig& operator=(const LiveConfig&) = delete;

  const config::Config& config() const { return config_; }
  exchange::SnapshotRef snapshot() const { return built_.snapshot; }
  const ListenerTable& listeners() const { return listeners_; }
  // Where the health listener is until the process ends.
  const std::optional<base::SocketAddress>& started_health() const { return started_.admin.health; }
  base::LogSink* access_sink() const { return access_sink_.get(); }
  std::size_t worker_count() const { return worker_count_; }

  // ---- at the start
  base::Result<void> open_logs();
  // What each worker listens on; takes what fits from `inherited`. The files of its Unix sockets go with the object
  // until keep_listeners() has said that the process serves.
  base::Result<std::vector<std::vector<WorkerListener>>> open_listeners(std::vector<InheritedListener>& inherited);
  void keep_listeners() { new_files_.keep(); }

  // ---- while it runs
  // Reads the file again and publishes what it says. Returns what has changed, in lines. An error says what stands in
  // the way, as Refusal::text does where it is the config; then nothing has changed. Both are logged.
  base::Result<std::vector<std::string>> reload();
  // The same with the file `main` and its includes out of `texts`, a config that was kept.
  base::Result<std::vector<std::string>> load_kept(const std::string& main, const config::Texts& texts);
  // The same with a config that was in use before.
  base::Result<std::vector<std::string>> restore(config::Config config);
  // What the config in use was read from, once: later, and where it was not read from its file, there is nothing.
  config::Sources take_sources() { return std::exchange(sources_, {}); }
  // Looks at the certificate files and publishes a snapshot with renewed ones. What cannot be used is logged once,
  // stays as it was served, and is tried again each time.
  void renew_certificates();
  void reopen_logs();
  // Frees what the workers have let go of since the last publication.
  void sweep();

 private:
  // A log file that a reload has replaced, until no worker writes to it any more.
  struct OldSink {
    std::unique_ptr<base::LogSink> sink;
    std::uint64_t version;  // of the snapshot that came with its successor
  };

  base::Result<std::vector<std::string>> load(const std::string& file, const config::LoadOptions& options);
  base::Result<std::vector<std::string>> replace_or_tell(config::Config next, BuildResult built);
  base::Result<std::vector<std::string>> replace(config::Config next, BuildResult built);
  // Logs what is wrong with a config and tells the follower; the error for whoever asked. REQUIRES: there is an error.
  std::unexpected<base::Error> refuse(const std::vector<config::Problem>& problems, const config::Sources& sources);
  base::Result<std::unique_ptr<base::LogSink>> open_access_sink(const config::AccessLog& log) const;
  // What `built` has of the certificates that is not in use yet.
  std::vector<std::string> describe_renewals(const BuildResult& built) const;
  // Logs the warnings of what is served now.
  void accept(const std::vector<config::Problem>& warnings);
  // Logs the problems of a renewal that the last one did not have.
  void tell(const std::vector<config::Problem>& problems);
  void publish(BuildResult built, std::vector<std::vector<WorkerListener>> listeners, bool changes_log);

  const base::Clock& clock_;
  tls::TicketKeys& ticket_keys_;
  std::string config_file_;
  config::Config config_;
  const config::Config started_;  // that the process began with
  BuildResult built_;
  std::set<std::string> told_;   // what was wrong with the certificates when they were looked at last
  bool renewal_failed_ = false;  // in part at least; it is tried again
  config::Sources sources_;
  std::vector<std::unique_ptr<Worker>>& workers_;
  ConfigFollower& follower_;
  std::size_t worker_count_;
  ListenerTable listeners_;
  NewFiles new_files_;  // until the process serves
  std::unique_ptr<base::LogSink> access_sink_;
  std::vector<OldSink> old_sinks_;
  std::uint64_t next_version_ = 2;
  bool has_published_ = false;  // and what the old snapshot took may still be with the heap
};

}  // namespace viaduct::daemon

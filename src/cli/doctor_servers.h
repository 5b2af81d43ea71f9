// SPDX-License-Identifier: Apache-2.0
// What `viaduct doctor` learns from the network: whether the names of servers resolve, whether every server is reached,
// its certificate verified, and answers; whether callbacks would find their upstream; and what time it is there. All
// questions are asked side by side, by the same resolver, connector and probe as the daemon's own, within kTimeMax. Has
// a loop of its own; one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/doctor_report.h"
#include "codec/h2_library.h"
#include "config/types.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "upstream/health_probe.h"
#include "upstream/upstream.h"

namespace viaduct::cli {

class DoctorServers final : private net::TimerHandler {
 public:
  // What has not come by then has failed.
  static constexpr base::Duration kTimeMax = std::chrono::seconds(30);
  // One question, where the config names no time (health.timeout).
  static constexpr base::Duration kProbeTime = std::chrono::seconds(5);
  // Questions under way at the same time; the others wait for their turn.
  static constexpr std::size_t kProbesMax = 64;
  // A clock that follows a time server is off by milliseconds: seconds mean that it does not. The failure comes long
  // before the five minutes behind which WeChat Pay refuses a signature, and leaves the time to mend it.
  static constexpr base::Duration kClockWarning = std::chrono::seconds(5);
  static constexpr base::Duration kClockFailure = std::chrono::seconds(60);

  // Both must outlive the object.
  DoctorServers(const config::Config& config, const base::Clock& clock);
  ~DoctorServers();
  DoctorServers(const DoctorServers&) = delete;
  DoctorServers& operator=(const DoctorServers&) = delete;

  // Asks everything, waits, and reports. Once.
  void check(DoctorReport& report);

 private:
  class NameCheck;
  class Probe;

  void on_timer(int timer_id) override;

  void open_upstreams(DoctorReport& report);
  void add_names();
  void add_server_probes();
  void add_callback_probes();
  void add_callback_probes(const config::Site& site, const config::Route& route);
  void add_probe(std::size_t upstream, std::size_t server, config::Health question, const std::string& callback);
  // Begins as many as there is room for; ends the loop when nothing is under way any more.
  void go_on();

  void report_names(DoctorReport& report) const;
  void report_servers(DoctorReport& report) const;
  void report_callbacks(DoctorReport& report) const;
  void report_clocks(DoctorReport& report) const;

  const config::Config& config_;
  codec::H2Library h2_library_;
  net::Loop loop_;
  net::Resolver resolver_;
  upstream::StateTable states_;
  std::vector<std::unique_ptr<upstream::Upstream>> upstreams_;  // by their place in the config; null: cannot be made
  std::vector<std::unique_ptr<NameCheck>> names_;
  std::vector<std::unique_ptr<Probe>> probes_;
  std::size_t next_probe_ = 0;
  std::size_t under_way_ = 0;  // names and probes
  net::Timer timer_;
};

}  // namespace viaduct::cli

// SPDX-License-Identifier: Apache-2.0
// The commands that change what is served: `reload` with and without a guard, and `rollback` (ADR 0019). Keeps each
// config that was read from its file in the state directory, and goes back to the one before when the guard says that a
// reload has made things worse. Main thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "daemon/kept_configs.h"
#include "daemon/live_config.h"
#include "daemon/overview.h"
#include "daemon/reload_guard.h"
#include "net/loop.h"

namespace viaduct::daemon {

class ConfigCommands final : private GuardHandler {
 public:
  // All must outlive the object.
  struct Setup {
    const base::Clock& clock;
    net::Loop& loop;
    LiveConfig& live;
    Overview& overview;
  };

  explicit ConfigCommands(const Setup& setup);
  ConfigCommands(const ConfigCommands&) = delete;
  ConfigCommands& operator=(const ConfigCommands&) = delete;

  // Keeps the config that the process serves since its start.
  void keep_started();
  // Whether carry_out() knows `command`.
  static bool is_one(std::string_view command);
  // "reload", "reload guard TIME", "rollback" and "rollback N". Returns the answer: "ok", and what has changed. An
  // error says what stands in the way; then nothing has changed.
  base::Result<std::string> carry_out(std::string_view command);
  // The answer of `rollback --list`.
  std::string list() const;
  // The config in use stays, whatever the guard would have said: another one takes the process's place, or it ends.
  void end_guard(std::string_view reason);
  // What the guard has to say waits while it is not known whether another process takes this one's place.
  void hold_guard() { guard_.hold(); }
  void let_guard_go_on() { guard_.go_on(); }

 private:
  // What the guard goes back to.
  struct Previous {
    config::Config config;
    std::uint32_t kept = 0;  // KeptConfig::number; 0: it is not kept
  };

  base::Result<std::string> reload(std::string_view time_text);
  base::Result<std::string> roll_back(std::string_view steps_text);
  void keep();
  // GuardHandler
  void on_worse(const std::string& why) override;
  void on_kept() override;

  const base::Clock& clock_;
  LiveConfig& live_;
  Overview& overview_;
  KeptConfigs kept_;
  ReloadGuard guard_;
  std::optional<Previous> previous_;  // while the guard watches
};

}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
#include "daemon/config_commands.h"

#include <utility>

#include "base/format.h"
#include "base/log.h"
#include "config/units.h"
#include "daemon/config_changes.h"

namespace viaduct::daemon {
namespace {

constexpr std::string_view kReload = "reload";
constexpr std::string_view kReloadGuard = "reload guard ";
constexpr std::string_view kRollback = "rollback";
constexpr std::string_view kRollbackSteps = "rollback ";
constexpr std::string_view kNothingKept = "no config is kept: process.state_dir says where they would be";

}  // namespace

ConfigCommands::ConfigCommands(const Setup& setup)
    : clock_(setup.clock), live_(setup.live), overview_(setup.overview), guard_(setup.loop, setup.overview, *this) {}

bool ConfigCommands::is_one(std::string_view command) {
  return command == kReload || command.starts_with(kReloadGuard) || command == kRollback ||
         command.starts_with(kRollbackSteps);
}

base::Result<std::string> ConfigCommands::carry_out(std::string_view command) {
  if (command.starts_with(kReloadGuard)) return reload(command.substr(kReloadGuard.size()));
  if (command.starts_with(kRollbackSteps)) return roll_back(command.substr(kRollbackSteps.size()));
  return command == kRollback ? roll_back("1") : reload({});
}

// ---- keeping --------------------------------------------------------------------------------------------------------

void ConfigCommands::keep_started() {
  keep();
}

void ConfigCommands::keep() {
  const config::Sources sources = live_.take_sources();
  kept_.use(live_.config().process.state_dir);
  if (!kept_.is_on()) return;
  if (auto done = kept_.keep(sources, live_.snapshot()->version, clock_.wall_now()); !done) {
    LOG_WARNING("config_not_kept error={}", base::quoted(done.error().message));
  }
}

std::string ConfigCommands::list() const {
  if (!kept_.is_on()) return "error: " + std::string(kNothingKept);
  return "ok\n" + kept_.render();
}

// ---- reload ---------------------------------------------------------------------------------------------------------

base::Result<std::string> ConfigCommands::reload(std::string_view time_text) {
  std::optional<Previous> previous;
  base::Duration time{};
  if (!time_text.empty()) {
    const auto parsed = config::parse_duration(time_text);
    if (!parsed) return base::fail(parsed.error());
    time = *parsed;
    if (time < ReloadGuard::kTimeMin || time > ReloadGuard::kTimeMax) {
      return base::fail(base::format("a reload is guarded for {} to {}", config::format_duration(ReloadGuard::kTimeMin),
                                     config::format_duration(ReloadGuard::kTimeMax)));
    }
    previous.emplace(live_.config(), kept_.in_use());
  }
  const auto lines = live_.reload();
  if (!lines) return std::unexpected(lines.error());
  end_guard(kReload);
  keep();
  std::string answer = render_changes(*lines);
  if (!previous) return answer;
  previous_ = std::move(previous);
  guard_.start(time);
  LOG_INFO("reload_guarded snapshot={} for={}", live_.snapshot()->version, config::format_duration(time));
  return answer + base::format("\nwatched for {}: where failures grow, the config before is served again",
                               config::format_duration(time));
}

void ConfigCommands::end_guard(std::string_view reason) {
  if (!guard_.is_watching()) return;
  guard_.stop();
  previous_.reset();
  LOG_INFO("reload_guard_ended reason={}", reason);
}

void ConfigCommands::on_worse(const std::string& why) {
  Previous previous = std::move(*previous_);
  previous_.reset();
  const std::uint64_t bad = live_.snapshot()->version;
  const std::string state_dir = live_.config().process.state_dir;
  if (const auto lines = live_.restore(std::move(previous.config)); !lines) {
    LOG_ERROR("reload_roll_back_failed reason={} error={}", base::quoted(why), base::quoted(lines.error().message));
    return;
  }
  kept_.use(live_.config().process.state_dir);
  if (live_.config().process.state_dir == state_dir) kept_.go_back_to(previous.kept);
  LOG_ERROR("reload_rolled_back reason={} bad={} snapshot={}", base::quoted(why), bad, live_.snapshot()->version);
  overview_.note_refusal(base::format("snapshot {} was taken back by its guard: {}", bad, why));
}

void ConfigCommands::on_kept() {
  previous_.reset();
  LOG_INFO("reload_kept snapshot={}", live_.snapshot()->version);
}

// ---- rollback -------------------------------------------------------------------------------------------------------

base::Result<std::string> ConfigCommands::roll_back(std::string_view steps_text) {
  const auto steps = config::parse_number(steps_text);
  if (!steps || *steps == 0) return base::fail("rollback N: how many configs to go back, from 1");
  if (!kept_.is_on()) return base::fail(std::string(kNothingKept));
  const auto kept = kept_.before(static_cast<std::size_t>(*steps));
  if (!kept) {
    return base::fail(
        base::format("there are not {} configs before the one in use; see: viaduct rollback --list", *steps));
  }
  const auto texts = KeptConfigs::read(*kept);
  if (!texts) return std::unexpected(texts.error());
  const std::string& main = kept->files.front();
  const std::string state_dir = live_.config().process.state_dir;
  const auto lines = live_.load_kept(main, *texts);
  if (!lines) return std::unexpected(lines.error());
  end_guard(kRollback);
  // Where that config keeps in another directory, it is none of those there.
  kept_.use(live_.config().process.state_dir);
  if (live_.config().process.state_dir == state_dir) kept_.go_back_to(kept->number);
  LOG_WARNING("rolled_back kept={} snapshot={}", base::quoted(kept->folder), live_.snapshot()->version);
  return render_changes(*lines) +
         base::format(
             "\nserved is the config of {}; {} is as it was, and the next reload reads it again"
             "\nto put it back: {}",
             kept->kept_at, main, put_back_line(*kept, config::find_files_beside(main, *texts)));
}

}  // namespace viaduct::daemon

// SPDX-License-Identifier: Apache-2.0
#include "cli/demo.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/format.h"
#include "base/sha256.h"
#include "cli/command.h"
#include "cli/demo_directory.h"
#include "cli/demo_lines.h"
#include "cli/demo_scene.h"
#include "cli/demo_show.h"
#include "cli/loading.h"
#include "cli/sample_upstream.h"
#include "cli/shell.h"
#include "daemon/supervisor.h"
#include "os/process.h"

namespace viaduct::cli {
namespace {

// Everything that is there before the daemon, and outlives it.
struct Stage {
  base::SystemClock clock;
  std::unique_ptr<DemoDirectory> directory;
  DemoPorts ports;
  std::unique_ptr<SampleUpstream> app;
  std::unique_ptr<SampleUpstream> web;
  tls::TicketKeys ticket_keys;

  std::string path(std::string_view name) const { return base::format("{}/{}", directory->path(), name); }
};

base::Result<void> set_up(const DemoOptions& options, Stage& stage) {
  auto directory = DemoDirectory::make();
  if (!directory) return std::unexpected(std::move(directory).error());
  stage.directory = std::move(*directory);
  const auto ports = choose_ports(options.ports);
  if (!ports) return std::unexpected(ports.error());
  stage.ports = *ports;
  for (auto& [name, upstream] : {std::pair{"app", &stage.app}, std::pair{"web", &stage.web}}) {
    auto started = SampleUpstream::start(name, stage.clock);
    if (!started) return std::unexpected(std::move(started).error());
    *upstream = std::move(*started);
  }
  const DemoScene scene{.ports = stage.ports,
                        .app_url = "http://" + stage.app->address().to_string(),
                        .web_url = "http://" + stage.web->address().to_string()};
  return write_demo_files(scene, stage.clock.wall_now(), *stage.directory);
}

std::string ports_text(const DemoPorts& wanted, const DemoPorts& chosen) {
  std::string text;
  for (const auto& [want, got] : {std::pair{wanted.http, chosen.http}, std::pair{wanted.https, chosen.https}}) {
    if (want != 0 && want != got) text += base::format("  Port {} cannot be had; {} stands in for it.\n", want, got);
  }
  return text;
}

std::string introduction(const DemoOptions& options, const Stage& stage) {
  std::string text = base::format(
      "Viaduct {}: an old web server whose application has moved to a new one, on 127.0.0.1 for you alone.\n",
      kVersion);
  text += ports_text(options.ports, stage.ports);
  const std::pair<const char*, std::string> rows[] = {
      {"TLS port", base::format("https://{}:{}/", kDemoHost, stage.ports.https)},
      {"plain port", base::format("http://{}:{}/", kDemoHost, stage.ports.http)},
      {"in a browser",
       base::format("https://localhost:{}/ (it warns: nobody vouches for the certificate)", stage.ports.https)},
      {"upstreams", base::format("app {}, web {}: samples inside this process", stage.app->address().to_string(),
                                 stage.web->address().to_string())},
      {"config", stage.path(kDemoConfig)},
      {"certificate", stage.path(kDemoCertificate)},
      {"logs", base::format("{}, {}", stage.path(kDemoAccessLog), stage.path(kDemoErrorLog))},
  };
  for (const auto& [name, value] : rows) text += base::format("  {:<14}{}\n", name, value);
  return text + "\nLines to try. Each works as printed while this runs; under it stands what it has just given.\n";
}

std::string conclusion(const DemoOptions& options, const Stage& stage, const DemoShow& show) {
  const std::size_t good = show.shown - show.unexpected;
  std::string text = base::format("\n{} of {} lines gave what they should.\n", good, show.shown);
  if (options.once) return text;
  const std::string program = shell_word(options.program);
  const std::string config = shell_word(stage.path(kDemoConfig));
  return text + base::format(
                    "The demo goes on. Change its config and say: {} reload -c {}\n"
                    "Ctrl-C ends it and removes its files.\n",
                    program, config);
}

void print(const DemoOptions& options, const std::string& text) {
  std::fputs(text.c_str(), options.out);
  std::fflush(options.out);
}

bool has_proxy_in_environment() {
  constexpr std::array kNames = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  return std::ranges::any_of(kNames, [](const char* name) { return std::getenv(name) != nullptr; });
}

// Ends the daemon from the thread that shows the lines.
class StopTask final : public net::Task {
 public:
  explicit StopTask(daemon::Supervisor& supervisor) : supervisor_(supervisor) {}
  void run() override { supervisor_.stop(); }

 private:
  daemon::Supervisor& supervisor_;
};

// Serves until the end and shows the lines meanwhile.
DemoShow perform(const DemoOptions& options, const Stage& stage, daemon::Supervisor& supervisor) {
  const std::vector<DemoLine> lines = demo_lines({.directory = stage.directory->path(),
                                                  .ports = stage.ports,
                                                  .program = options.program,
                                                  .notice_sha256 = base::sha256_hex(demo_notice()),
                                                  .bypasses_proxy = has_proxy_in_environment()});
  DemoShow show;
  std::jthread shower([&](const std::stop_token& stop) {
    show = show_demo_lines(lines, options.out, stop);
    if (!show.is_whole) return;
    print(options, conclusion(options, stage, show));
    if (options.once) supervisor.loop().post(std::make_unique<StopTask>(supervisor));
  });
  supervisor.run();
  shower.request_stop();
  shower.join();
  return show;
}

base::Result<DemoShow> serve(const DemoOptions& options, Stage& stage) {
  LoadedConfig ready = load_and_build(stage.path(kDemoConfig), stage.ticket_keys);
  if (ready.built.snapshot == nullptr) {
    print_problems(ready.loaded);
    return base::fail("the demo's own config is refused");
  }
  daemon::Supervisor supervisor({.clock = stage.clock,
                                 .ticket_keys = stage.ticket_keys,
                                 .config_file = stage.path(kDemoConfig),
                                 .config = std::move(*ready.loaded.config),
                                 .built = std::move(ready.built),
                                 .version = kVersion});
  if (auto started = supervisor.start(); !started) return std::unexpected(std::move(started).error());
  print(options, introduction(options, stage));
  return perform(options, stage, supervisor);
}

// All of the demo; what it has made is gone when it returns.
base::Result<DemoShow> run_on_stage(const DemoOptions& options) {
  // Held from here on, so that a Ctrl-C that comes early waits for the daemon, which hears it, and the files go.
  constexpr std::array kSignals = {SIGINT, SIGTERM};
  const auto signals = os::SignalReader::open(kSignals);
  if (!signals) return std::unexpected(signals.error());
  Stage stage;
  TRY(set_up(options, stage));
  return serve(options, stage);
}

}  // namespace

int run_demo(const DemoOptions& options) {
  const auto show = run_on_stage(options);
  if (!show) {
    std::fprintf(stderr, "viaduct: %s\n", show.error().message.c_str());
    return kFailed;
  }
  if (!options.once) {
    print(options, "\nThe demo has ended; its files are removed.\n");
    return kDone;
  }
  return show->is_whole && show->unexpected == 0 ? kDone : kFailed;
}

void add_demo(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("demo", "Show what this does, with a scene of its own and lines to try");
  auto options = std::make_shared<DemoOptions>();
  const CLI::Range any_port(0, 65535);
  command->add_option("--http-port", options->ports.http, "The plain port; 0: any")
      ->check(any_port)
      ->capture_default_str();
  command->add_option("--https-port", options->ports.https, "The TLS port; 0: any")
      ->check(any_port)
      ->capture_default_str();
  command->add_flag("--once", options->once, "End after the lines; 1 when one did not give what it should");
  command->callback([options, &exit_code] {
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    options->program = error ? "viaduct" : self.string();
    exit_code = run_demo(*options);
  });
}

}  // namespace viaduct::cli

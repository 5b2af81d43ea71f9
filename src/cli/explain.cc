// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "cli/command.h"
#include "cli/explanation.h"
#include "cli/loading.h"

namespace viaduct::cli {
namespace {

struct Options {
  std::string file = kDefaultConfigFile;
  Question question;
  bool as_json = false;
};

int explain(const Options& options) {
  tls::TicketKeys ticket_keys;
  const LoadedConfig ready = load_for_question(options.file, ticket_keys);
  if (ready.built.snapshot == nullptr) {
    print_problems(ready.loaded);
    return kFailed;
  }
  const auto is_about_file = [](const config::Problem& problem) { return problem.is_about_file; };
  if (const auto missing = std::ranges::count_if(ready.loaded.problems, is_about_file); missing > 0) {
    std::fprintf(stderr, "viaduct: %td of the files that %s names cannot be used here; viaduct check says which\n",
                 missing, options.file.c_str());
  }
  auto explanation = explain_request(*ready.built.snapshot, options.question);
  if (!explanation) {
    std::fprintf(stderr, "viaduct: %s\n", explanation.error().message.c_str());
    return kWrongUsage;
  }
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
  const std::string text = options.as_json ? explanation->json.dump(2, ' ', false, kReplace) + "\n" : explanation->text;
  std::fputs(text.c_str(), stdout);
  return kDone;
}

}  // namespace

void add_explain(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("explain", "Say which route a request would take, and why");
  auto options = std::make_shared<Options>();
  command->add_option("method", options->question.method, "GET, POST, ...")->required();
  command->add_option("url", options->question.url, "https://host/path?query, or a path for the default site")
      ->required();
  command->add_option("--from", options->question.from, "The client's address")->capture_default_str();
  command->add_option("-H,--header", options->question.fields, "A header field, 'Name: value'; may be given again");
  command->add_option("-c,--config", options->file, "The config file")->capture_default_str();
  command->add_flag("--json", options->as_json, "Print an object instead");
  command->callback([options, &exit_code] { exit_code = explain(*options); });
}

}  // namespace viaduct::cli

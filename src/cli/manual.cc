// SPDX-License-Identifier: Apache-2.0
#include "cli/manual.h"

#include <CLI/CLI.hpp>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "cli/command.h"

namespace viaduct::cli {
namespace {

// ---- what CLI11 knows -----------------------------------------------------------------------------------------------

struct OptionFacts {
  std::vector<std::string> names;  // "-c", "--config"; empty for what stands by its place
  std::string place;               // "method"
  std::string value;               // what follows the name; empty for a flag
  std::string choices;             // "5 8": one of these words follows
  std::string default_value;
  std::string sentence;
};

OptionFacts facts_of(const CLI::Option& option) {
  OptionFacts facts;
  for (const std::string& name : option.get_snames()) facts.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) facts.names.push_back("--" + name);
  if (facts.names.empty()) facts.place = option.get_name();
  facts.sentence = option.get_description();
  if (option.get_expected_max() == 0) return facts;
  const std::string type = option.get_type_name();
  const std::size_t open = type.find('{');
  if (open != std::string::npos) {
    facts.value = type.substr(open + 1, type.find('}') - open - 1);
    facts.choices = facts.value;
    for (char& byte : facts.choices) byte = byte == ',' ? ' ' : byte;
    for (std::size_t at = facts.value.find(','); at != std::string::npos; at = facts.value.find(',', at)) {
      facts.value[at] = '|';
    }
  } else {
    facts.value = type.substr(0, type.find(':'));
  }
  facts.default_value = option.get_default_str();
  return facts;
}

std::vector<OptionFacts> options_of(const CLI::App& app) {
  std::vector<OptionFacts> options;
  for (const CLI::Option* option : app.get_options()) options.push_back(facts_of(*option));
  return options;
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string words_of(const CLI::App& app) {
  std::string words;
  for (const OptionFacts& option : options_of(app)) {
    for (const std::string& name : option.names) words += (words.empty() ? "" : " ") + name;
  }
  return words;
}

// ---- the manual page ------------------------------------------------------------------------------------------------

constexpr std::string_view kManualHead = R"(.TH VIADUCT 8 "" "viaduct {}" "Viaduct"
.SH NAME
viaduct \- TLS\-terminating reverse proxy that alters nothing and loses nothing
.SH SYNOPSIS
)";

constexpr std::string_view kManualDescription = R"(.SH DESCRIPTION
.B viaduct
takes the place of a web server whose application has moved: public URLs stay as they are, the traffic crosses to the
new server unchanged, and the pages that stay are served from here.
What it does is written in one file, viaduct.yaml(5).
.SH COMMANDS
)";

constexpr std::string_view kManualFoot = R"(.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
It did not work: an error in the config, a refusal, or (\fBcheck \-\-against\fR) requests that would change.
.TP
.B 2
Wrong usage.
.SH SIGNALS
.TP
.BR SIGTERM ", " SIGINT
Stop: idle connections close at once, exchanges have
.B process.drain
to end. A second one ends them now.
.TP
.B SIGHUP
Read the config again; one with an error is refused, and the old one stays.
.TP
.B SIGUSR1
Open the log files anew, after they were moved.
.TP
.B SIGUSR2
Let the program on disk take the place of this one, on the same sockets.
.SH FILES
.TP
.I /etc/viaduct/viaduct.yaml
The config that is read where none is named.
.SH SEE ALSO
.BR viaduct.yaml (5)
)";

std::string roff_text(std::string_view text) {
  std::string escaped;
  for (const char byte : text) {
    if (byte == '\\') {
      escaped += "\\e";
    } else if (byte == '-') {
      escaped += "\\-";
    } else {
      escaped += byte;
    }
  }
  return text.starts_with('.') || text.starts_with('\'') ? "\\&" + escaped : escaped;
}

std::string roff_option(const OptionFacts& option) {
  std::string text;
  for (const std::string& name : option.names) {
    text += base::format("{}\\fB{}\\fR", text.empty() ? "" : ", ", roff_text(name));
  }
  if (!option.place.empty()) text += base::format("\\fI{}\\fR", roff_text(option.place));
  if (!option.value.empty() && option.place.empty()) text += base::format(" \\fI{}\\fR", roff_text(option.value));
  return text;
}

std::string synopsis_of(const CLI::App& command) {
  std::string text = base::format(".B viaduct {}\n", command.get_name());
  std::string places;
  for (const OptionFacts& option : options_of(command)) {
    if (option.place.empty()) {
      const std::string value = option.value.empty() ? "" : " \\fI" + roff_text(option.value) + "\\fR";
      text += base::format("[\\fB{}\\fR{}]\n", roff_text(option.names.front()), value);
    } else {
      places += base::format(".I {}\n", roff_text(option.place));
    }
  }
  return text + places;
}

// ---- completion -----------------------------------------------------------------------------------------------------

// `text` within single quotes of a shell, where a colon separates.
std::string zsh_text(std::string_view text) {
  std::string escaped;
  for (const char byte : text) {
    if (byte == '\'') {
      escaped += "'\\''";
    } else if (byte == ':' || byte == '[' || byte == ']' || byte == '\\') {
      escaped += std::string("\\") + byte;
    } else {
      escaped += byte;
    }
  }
  return escaped;
}

std::string zsh_option(const OptionFacts& option) {
  std::string value;
  if (!option.choices.empty()) {
    value = base::format(":{}:({})", zsh_text(option.names.front()), option.choices);
  } else if (!option.value.empty()) {
    value = ":file:_files";
  }
  std::string text;
  for (const std::string& name : option.names) {
    text += base::format(" \\\n        '{}[{}]{}'", name, zsh_text(option.sentence), value);
  }
  return text;
}

}  // namespace

std::string program_manual(const CLI::App& app) {
  std::string text = base::format(kManualHead, kVersion);
  for (const CLI::App* command : commands_of(app)) text += synopsis_of(*command) + ".br\n";
  text += kManualDescription;
  for (const CLI::App* command : commands_of(app)) {
    text += base::format(".SS {}\n{}.\n", command->get_name(), roff_text(command->get_description()));
    for (const OptionFacts& option : options_of(*command)) {
      text += base::format(".TP\n{}\n{}.\n", roff_option(option), roff_text(option.sentence));
      if (!option.default_value.empty()) text += base::format("Default: {}.\n", roff_text(option.default_value));
    }
  }
  return text + std::string(kManualFoot);
}

std::string bash_completion(const CLI::App& app) {
  std::string commands = words_of(app);
  std::string options;
  std::string choices;
  for (const CLI::App* command : commands_of(app)) {
    commands += " " + command->get_name();
    options += base::format("    {}) words=\"{}\" ;;\n", command->get_name(), words_of(*command));
    for (const OptionFacts& option : options_of(*command)) {
      if (option.choices.empty()) continue;
      choices += base::format("    {}) COMPREPLY=($(compgen -W \"{}\" -- \"$current\")); return ;;\n",
                              option.names.front(), option.choices);
    }
  }
  return base::format(R"(# Completion of viaduct's command line for bash; made by `viaduct reference --completion bash`.
_viaduct() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words=""
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "{}" -- "$current"))
    return
  fi
  case $before in
{}  esac
  case ${{COMP_WORDS[1]}} in
{}  esac
  # What is no option is the value of one, or a file.
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}}
complete -F _viaduct viaduct
)",
                      commands, choices, options);
}

std::string zsh_completion(const CLI::App& app) {
  std::string commands;
  std::string options;
  for (const CLI::App* command : commands_of(app)) {
    commands += base::format("\n    '{}:{}'", command->get_name(), zsh_text(command->get_description()));
    std::string arguments;
    for (const OptionFacts& option : options_of(*command)) arguments += zsh_option(option);
    options += base::format("  {})\n    _arguments{}\n    ;;\n", command->get_name(), arguments);
  }
  return base::format(R"(#compdef viaduct
# Completion of viaduct's command line for zsh; made by `viaduct reference --completion zsh`.
if (( CURRENT == 2 )); then
  local -a commands
  commands=({}
  )
  _describe command commands
  return
fi
shift words
(( CURRENT-- ))
case $words[1] in
{}esac
)",
                      commands, options);
}

}  // namespace viaduct::cli

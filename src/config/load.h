// SPDX-License-Identifier: Apache-2.0
// From a file to a Config: the one path that `check`, `run`, `reload` and `demo` share, so that what check passes,
// starts. Reads, includes, checks and resolves; looks at files but keeps none open; never stops at the first problem.
// What needs OpenSSL or RE2 is checked above: certificates and regular expressions, as further Problems at the places
// of this result. Cold path; any thread, one at a time for one process environment.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/expand.h"
#include "config/files.h"
#include "config/problem.h"
#include "config/reading.h"
#include "config/types.h"

namespace viaduct::config {

struct LoadOptions {
  // Where ${NAME} is looked up.
  Environment environment = process_environment;
  // load_text() alone: what relative paths are relative to.
  std::string directory = ".";
  // What is wrong with files and directories that the config names is a warning, so that there is a config all the
  // same. For looking at it, not for running it.
  bool forgives_files = false;
  // load_file() alone: the config's own files come from here and not from the disk; null: from the disk. What they name
  // (certificates, pages) is looked for on the disk all the same.
  const Texts* texts = nullptr;
};

struct LoadResult {
  std::unique_ptr<Config> config;  // null when there is an error
  // What could be read although there is an error, so that those who know more look for more errors in it: what is
  // wrong is left out, or has its default, and nothing fits together. Never to be served. Null where there is `config`,
  // and where the file is no YAML.
  std::unique_ptr<Config> readable;
  std::vector<Problem> problems;  // errors and warnings in the order of the files
  Sources sources;                // the texts, for render_problems()
  Places places;                  // where every key stands, by path: "sites[0].routes[1].match.regex[0]"
  // What admin.socket says, whatever else is wrong: a daemon that runs can be asked although its file is broken. Empty
  // where it is not written, is wrong itself, or the file is no YAML.
  std::string admin_socket;
};

// Loads the file at `path`.
LoadResult load_file(const std::string& path, const LoadOptions& options = {});
// Which files on the disk load_file() would read too if `texts`, those of the config at `path`, stood there: they match
// a pattern of an include, and are none of these.
std::vector<std::string> find_files_beside(const std::string& path, const Texts& texts);
// Loads `text` as if it stood in a file called `name`.
LoadResult load_text(const std::string& text, const std::string& name, const LoadOptions& options = {});

}  // namespace viaduct::config

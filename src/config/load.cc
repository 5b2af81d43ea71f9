// SPDX-License-Identifier: Apache-2.0
#include "config/load.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>

#include "config/include.h"
#include "config/resolve.h"
#include "config/root_keys.h"
#include "config/validate.h"

namespace viaduct::config {

namespace {

std::string absolute(const std::filesystem::path& directory) {
  std::error_code fault;
  const auto path = std::filesystem::absolute(directory.empty() ? "." : directory, fault);
  return (fault ? directory : path).lexically_normal().string();
}

using ReadRoot = std::function<std::optional<Node>(Reading&, Sources&)>;

LoadResult load(const std::string& directory, const LoadOptions& options, const ReadRoot& read_root) {
  LoadResult result;
  const Table<ConfigDraft> table = root_keys();
  Reading reading(absolute(directory), options.environment, table.infos());
  if (options.forgives_files) reading.forgive_files();
  if (const std::optional<Node> root = read_root(reading, result.sources)) {
    ConfigDraft draft;
    reading.places().set_value("", root->place);
    table.reader().read(*root, draft, Scope(reading));
    result.admin_socket = draft.admin.socket;
    complete_routes(draft);
    validate(draft, reading);
    (reading.has_errors() ? result.readable : result.config) = resolve(std::move(draft));
  }
  result.problems = reading.take_problems();
  result.places = reading.places();
  sort_problems(result.problems, result.sources);
  return result;
}

}  // namespace

LoadResult load_file(const std::string& path, const LoadOptions& options) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return load(directory, options, [&](Reading& reading, Sources& sources) {
    return read_file_with_includes(path, reading, sources, options.texts);
  });
}

std::vector<std::string> find_files_beside(const std::string& path, const Texts& texts) {
  const Table<ConfigDraft> table = root_keys();
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  Reading reading(directory.string(), process_environment, table.infos());
  return find_files_beside(path, reading, texts);
}

LoadResult load_text(const std::string& text, const std::string& name, const LoadOptions& options) {
  return load(options.directory, options, [&](Reading& reading, Sources& sources) {
    return read_text_with_includes(text, name, reading, sources);
  });
}

}  // namespace viaduct::config

// SPDX-License-Identifier: Apache-2.0
#include "config/include.h"

#include <fnmatch.h>
#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <vector>

#include "base/format.h"
#include "config/expand.h"
#include "config/files.h"
#include "config/key_table.h"
#include "config/yaml_reader.h"

namespace viaduct::config {

namespace {

constexpr std::string_view kInclude = "include";
constexpr std::string_view kLists[] = {"listeners", "sites"};
constexpr std::string_view kMaps[] = {"upstreams", "errors"};

template <std::size_t N>
bool is_one_of(std::string_view word, const std::string_view (&words)[N]) {
  return std::ranges::find(words, word) != std::end(words);
}

std::string show(const Place& place) {
  return base::format("{}:{}", place.file, place.line);
}

std::vector<std::string> find_files(const std::string& pattern) {
  std::vector<std::string> files;
  glob_t found{};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) files.emplace_back(found.gl_pathv[i]);
  }
  globfree(&found);
  // glob(3) sorts as the locale does; the order of sites must not depend on that.
  std::ranges::sort(files);
  return files;
}

// The same among texts, by the rules of glob(3).
std::vector<std::string> find_texts(const Texts& texts, const std::string& pattern) {
  std::vector<std::string> files;
  for (const auto& [file, text] : texts) {
    if (fnmatch(pattern.c_str(), file.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0) files.push_back(file);
  }
  return files;
}

Parsed<std::string> read_source(const std::string& file, const Texts* texts, Readable readable = Readable::kFiles) {
  if (texts == nullptr) return read_text_file(file, kFileBytesMax, readable);
  const auto found = texts->find(file);
  if (found == texts->end()) return std::unexpected(base::format("{} was not kept with this config", file));
  return found->second;
}

class IncludeReader {
 public:
  IncludeReader(Reading& reading, Sources& sources, const Texts* texts = nullptr)
      : reading_(reading), sources_(sources), texts_(texts) {}

  std::optional<Node> read(const std::string& text, const std::string& file) {
    sources_.add(file, text);
    YamlDocument document = read_yaml(text, file);
    reading_.add_text_problems(std::move(document.problems));
    if (!document.root) return std::nullopt;
    Node root = std::move(*document.root);
    if (root.place.line == 0) root.place = {.file = file, .line = 1, .column = 1};
    if (!expect_map(root, Scope(reading_))) return std::nullopt;
    if (const Entry* include = root.find_entry(kInclude)) {
      const Entry copy = *include;
      follow(copy, file, root);
    }
    return root;
  }

  // Notes that `file` is being read, so that nothing includes it again.
  void enter(const std::string& file) {
    open_.push_back(canonical(file));
    seen_.insert(open_.back());
  }

  const std::set<std::string>& beside() const { return beside_; }

 private:
  std::string canonical(const std::string& file) const {
    if (texts_ != nullptr) return file;
    std::error_code fault;
    const auto path = std::filesystem::weakly_canonical(file, fault);
    return fault ? file : path.string();
  }

  void error(const Place& place, std::string message) {
    reading_.add({.place = place, .key = std::string(kInclude), .message = std::move(message)});
  }

  void follow(const Entry& include, const std::string& file, Node& root) {
    if (include.value.is_scalar()) return follow_pattern(include.value, file, root);
    for (const Node& item : include.value.items) follow_pattern(item, file, root);
  }

  void follow_pattern(const Node& node, const std::string& file, Node& root) {
    if (!node.is_scalar()) return;  // the key table tells what should be there
    const auto expanded = expand(node.text, reading_.environment());
    if (!expanded) return;
    const std::string pattern = resolve_path(*expanded, std::filesystem::path(file).parent_path().string());
    const bool has_wildcard = pattern.find_first_of("*?[") != std::string::npos;
    // An empty conf.d is normal, a file that is named and not there is not.
    if (!has_wildcard) return include_file(pattern, node.place, root);
    const std::vector<std::string> files = texts_ == nullptr ? find_files(pattern) : find_texts(*texts_, pattern);
    for (const std::string& found : files) include_file(found, node.place, root);
    if (texts_ != nullptr) note_beside(pattern);
  }

  void note_beside(const std::string& pattern) {
    for (const std::string& found : find_files(pattern)) {
      std::string file = std::filesystem::path(found).lexically_normal().string();
      if (!texts_->contains(file)) beside_.insert(std::move(file));
    }
  }

  void include_file(const std::string& file, const Place& place, Node& root) {
    const std::string path = canonical(file);
    if (std::ranges::find(open_, path) != open_.end()) {
      return error(place, base::format("{} includes itself in the end; delete one of the includes", file));
    }
    if (seen_.contains(path)) return error(place, base::format("{} is included twice; include it once", file));
    if (open_.size() > kIncludeDepthMax || seen_.size() > kIncludedFilesMax) {
      return error(place, base::format("more than {} files, or includes more than {} deep; include fewer files",
                                       kIncludedFilesMax, kIncludeDepthMax));
    }
    const auto text = read_source(file, texts_);
    if (!text) return error(place, text.error());
    enter(file);
    if (const auto inner = read(*text, file)) merge(*inner, root);
    open_.pop_back();
  }

  void merge(const Node& inner, Node& root) {
    for (const Entry& entry : inner.entries) {
      if (entry.key == kInclude) continue;
      const auto same = std::ranges::find(root.entries, entry.key, &Entry::key);
      if (same == root.entries.end()) {
        root.entries.push_back(entry);
      } else if (is_one_of(entry.key, kLists) && same->value.is_list() && entry.value.is_list()) {
        same->value.items.insert(same->value.items.end(), entry.value.items.begin(), entry.value.items.end());
      } else if (is_one_of(entry.key, kMaps) && same->value.is_map() && entry.value.is_map()) {
        merge_map(entry, same->value);
      } else if (same->value.is_null()) {
        same->value = entry.value;
      } else if (!entry.value.is_null()) {
        reading_.add({.place = entry.key_place,
                      .key = entry.key,
                      .message = base::format("\"{}\" stands in {}, too; keep it in one of the files", entry.key,
                                              show(same->key_place))});
      }
    }
  }

  void merge_map(const Entry& inner, Node& map) {
    for (const Entry& entry : inner.value.entries) {
      if (const Entry* same = map.find_entry(entry.key)) {
        reading_.add({.place = entry.key_place,
                      .key = inner.key + "." + entry.key,
                      .message = base::format("\"{}\" stands in {}, too; give one of them another name, or delete it",
                                              entry.key, show(same->key_place))});
      } else {
        map.entries.push_back(entry);
      }
    }
  }

  Reading& reading_;
  Sources& sources_;
  const Texts* texts_;
  std::vector<std::string> open_;  // the files that are being read, each included by the one before it
  std::set<std::string> seen_;     // all that were
  std::set<std::string> beside_;   // what patterns find on the disk and not among the texts
};

}  // namespace

std::optional<Node> read_file_with_includes(const std::string& path, Reading& reading, Sources& sources,
                                            const Texts* texts) {
  // The config itself may come from a shell's <(...), which has its writer.
  const auto text = read_source(path, texts, Readable::kFilesAndPipes);
  if (!text) {
    reading.add({.place = {.file = path, .line = 0, .column = 0}, .key = {}, .message = text.error()});
    return std::nullopt;
  }
  IncludeReader reader(reading, sources, texts);
  reader.enter(path);
  return reader.read(*text, path);
}

std::optional<Node> read_text_with_includes(const std::string& text, const std::string& name, Reading& reading,
                                            Sources& sources) {
  IncludeReader reader(reading, sources);
  reader.enter(name);
  return reader.read(text, name);
}

std::vector<std::string> find_files_beside(const std::string& path, Reading& reading, const Texts& texts) {
  const auto main = texts.find(path);
  if (main == texts.end()) return {};
  Sources sources;
  IncludeReader reader(reading, sources, &texts);
  reader.enter(path);
  reader.read(main->second, path);
  return {reader.beside().begin(), reader.beside().end()};
}

}  // namespace viaduct::config

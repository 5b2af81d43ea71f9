// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "base/format.h"
#include "config/utf8.h"

namespace viaduct::config {

namespace {

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    lines.push_back(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  return lines;
}

// Turns yaml-cpp's marks, which count lines and bytes from 0, into places.
class Marks {
 public:
  Marks(std::string_view text, std::string file) : file_(std::move(file)), lines_(split_lines(text)) {}

  Place place_of(const YAML::Mark& mark) {
    const bool is_inside = mark.line >= 0 && mark.line < line_count();
    // What the parser finds missing at the end stands behind the last line.
    if (!is_inside) return {.file = file_, .line = std::max(line_count(), 1), .column = 1};
    const int column = columns_.column_of(line(mark.line), static_cast<std::size_t>(std::max(mark.column, 0)));
    return {.file = file_, .line = mark.line + 1, .column = column};
  }
  // Line `index`, from 0. REQUIRES: there is one.
  std::string_view line(int index) const { return lines_[static_cast<std::size_t>(index)]; }

 private:
  int line_count() const { return static_cast<int>(lines_.size()); }

  std::string file_;
  std::vector<std::string_view> lines_;
  ColumnCounter columns_;
};

std::size_t count_nodes(const Node& node) {
  std::size_t count = 1;
  for (const Node& item : node.items) count += count_nodes(item);
  for (const Entry& entry : node.entries) count += count_nodes(entry.value);
  return count;
}

// How many collections are in each other: 0 for a scalar.
std::size_t depth_of(const Node& node) {
  std::size_t depth = 0;
  for (const Node& item : node.items) depth = std::max(depth, depth_of(item));
  for (const Entry& entry : node.entries) depth = std::max(depth, depth_of(entry.value));
  return node.is_list() || node.is_map() ? depth + 1 : 0;
}

// Builds the tree from the parser's events. A collection that breaks a rule is still built, so that the parser goes on
// and the rest of the file is read; what goes beyond a bound is skipped.
class TreeBuilder final : public YAML::EventHandler {
 public:
  // Both must outlive this.
  TreeBuilder(Marks& marks, std::vector<Problem>& problems) : marks_(marks), problems_(problems) {}

  // The finished tree; absent when a bound was passed, since then parts of it are missing.
  std::optional<Node> take_root() {
    if (has_reported_bound_) return std::nullopt;
    return std::move(root_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ != 2) return;
    const Place place = marks_.place_of(mark);
    const bool is_separator = marks_.line(place.line - 1).starts_with("---");
    report_text(place, is_separator
                           ? "a second document starts here; keep one document a file (use include for more files)"
                           : "this belongs to nothing above it; check the indentation, and the space behind - and :");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.place = place_of_null(mark);
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      if (has_reported_bound_) return OnNull(mark, 0);
      report(marks_.place_of(mark), "this alias stands inside its own anchor; write the value out");
      OnNull(mark, 0);
      return;
    }
    nodes_ += count_nodes(found->second);
    if (is_full(marks_.place_of(mark), depth_of(found->second))) return OnNull(mark, 0);
    Node copy = found->second;
    copy.place = marks_.place_of(mark);
    add(std::move(copy), 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    Node node = Node::word(value);
    node.is_quoted = tag != "?";
    node.place = marks_.place_of(mark);
    add(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(mark, tag, anchor, Node::list());
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(mark, tag, anchor, Node::map());
  }
  void OnMapEnd() override { end(); }

 private:
  // A collection that is not ended yet.
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;  // kMap: key and key_place are set, the value follows
    std::string key;
    Place key_place;
  };

  void report(const Place& place, std::string message) {
    problems_.push_back({.place = place, .key = path(), .message = std::move(message)});
  }

  // A problem that belongs to no key.
  void report_text(const Place& place, std::string message) {
    problems_.push_back({.place = place, .key = "yaml", .message = std::move(message)});
  }

  // Of the value that is being read: "sites[0].hosts".
  std::string path() const {
    std::string path;
    for (const Open& open : open_) {
      if (open.node.is_list()) path += base::format("[{}]", open.node.items.size());
      if (open.has_key) path += (path.empty() ? "" : ".") + open.key;
    }
    return path;
  }

  // The parser marks an absent value where the next token stands; show it at its key instead.
  Place place_of_null(const YAML::Mark& mark) {
    const bool has_key = !open_.empty() && open_.back().has_key;
    const bool is_elsewhere = has_key && mark.line + 1 != open_.back().key_place.line;
    return is_elsewhere ? open_.back().key_place : marks_.place_of(mark);
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    report(marks_.place_of(mark), "tags have no meaning here; delete the word that starts with !");
  }

  // True when something of this depth would be beyond a bound, which is reported once.
  bool is_full(const Place& place, std::size_t depth) {
    const bool is_too_deep = open_.size() + depth > kDepthMax;
    if (!is_too_deep && nodes_ <= kNodesMax) return false;
    if (!has_reported_bound_) {
      has_reported_bound_ = true;
      report(place, is_too_deep
                        ? base::format("maps and lists are nested more than {} deep; flatten them", kDepthMax)
                        : base::format("the file has more than {} values, aliases followed; split it", kNodesMax));
    }
    return true;
  }

  void start(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node node) {
    check_tag(mark, tag);
    if (is_full(marks_.place_of(mark), 1) || skipped_ > 0) {
      ++skipped_;
      return;
    }
    node.place = marks_.place_of(mark);
    open_.push_back({.node = std::move(node), .anchor = anchor, .has_key = false, .key = {}, .key_place = {}});
  }

  void end() {
    if (skipped_ > 0) {
      if (--skipped_ == 0) add(Node{}, 0);
      return;
    }
    Open ended = std::move(open_.back());
    open_.pop_back();
    add(std::move(ended.node), ended.anchor);
  }

  void add(Node node, YAML::anchor_t anchor) {
    if (skipped_ > 0) return;
    if (++nodes_ > kNodesMax) {
      is_full(node.place, 0);
      return;
    }
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      if (documents_ <= 1) root_ = std::move(node);
    } else if (open_.back().node.is_list()) {
      open_.back().node.items.push_back(std::move(node));
    } else if (open_.back().has_key) {
      add_value(open_.back(), std::move(node));
    } else {
      add_key(open_.back(), std::move(node));
    }
  }

  void add_key(Open& map, Node node) {
    if (!node.is_scalar()) {
      report(node.place,
             base::format("a key is text, but this is {}; check the indentation and the colons", describe(node)));
    }
    map.has_key = true;
    map.key = std::move(node.text);
    map.key_place = node.place;
  }

  void add_value(Open& map, Node node) {
    const auto same = std::ranges::find(map.node.entries, map.key, &Entry::key);
    if (same != map.node.entries.end() && !map.key.empty()) {
      report(map.key_place,
             base::format("the key \"{}\" stands twice in this map, first in line {}; delete one of them", map.key,
                          same->key_place.line));
    } else {
      map.node.entries.push_back({.key = map.key, .key_place = map.key_place, .value = std::move(node)});
    }
    map.has_key = false;
  }

  Marks& marks_;
  std::vector<Problem>& problems_;
  Node root_ = Node::map();
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t nodes_ = 0;
  std::size_t skipped_ = 0;  // collections that are open beyond a bound
  int documents_ = 0;
  bool has_reported_bound_ = false;
};

bool is_before_or_at(const Place& left, const Place& right) {
  return left.line < right.line || (left.line == right.line && left.column <= right.column);
}

// The path of the last key or value of `node` that starts at or before `place`; `path` is that of `node` itself.
std::string path_at(const Node& node, const Place& place, const std::string& path) {
  std::string last = path;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (!is_before_or_at(node.items[i].place, place)) break;
    last = path_at(node.items[i], place, base::format("{}[{}]", path, i));
  }
  for (const Entry& entry : node.entries) {
    if (!is_before_or_at(entry.key_place, place)) break;
    last = path_at(entry.value, place, path.empty() ? entry.key : path + "." + entry.key);
  }
  return last;
}

// What the parser's messages mean for somebody who writes a config.
struct Translation {
  std::string_view parser;
  std::string_view ours;
};

constexpr Translation kTranslations[] = {
    {"illegal map value",
     "a colon with a space stands inside a value here; put the value in quotes, or check that the "
     "line above is complete and this one is indented like its neighbours"},
    {"illegal map key", "a key cannot stand here; check the indentation"},
    {"illegal block entry", "a list item cannot stand here; put it on its own line, indented under its key"},
    {"end of map not found",
     "this line does not fit into the map above it; check its indentation and that it has the "
     "form `key: value`"},
    {"end of sequence not found", "this line does not fit into the list above it; check its indentation"},
    {"end of map flow not found", "a { is not closed before this line; add } and check the commas"},
    {"end of sequence flow not found", "a [ is not closed before this line; add ] and check the commas"},
    {"illegal tab when looking for indentation", "tab in the indentation; replace it by spaces"},
    {"unexpected character in block scalar",
     "nothing but a comment may follow | and > on their line; move the text to "
     "the next line"},
    {"the referenced anchor is not defined", "an unquoted * starts an alias in YAML; put the text in quotes"},
    {"anchor not found after &", "an unquoted & starts an anchor in YAML; put the text in quotes"},
    {"illegal flow end", "a bracket closes nothing here; delete it, or put the text in quotes"},
};

std::string translate(const std::string& message) {
  for (const Translation& row : kTranslations) {
    if (message.starts_with(row.parser)) return std::string(row.ours);
  }
  return base::format("this is not YAML ({}); check the quotes, colons and the indentation around here", message);
}

// Parses `text` into `root`. A fault of the parser becomes a problem; the result is its line.
std::optional<int> parse(const std::string& text, const std::string& file, YamlDocument& document) {
  Marks marks(text, file);
  TreeBuilder builder(marks, document.problems);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    // A second document is enough to see that there is one.
    for (int i = 0; i < 2 && parser.HandleNextDocument(builder); ++i) continue;
    document.root = builder.take_root();
    return std::nullopt;
  } catch (const YAML::Exception& fault) {
    document.problems.push_back({.place = marks.place_of(fault.mark), .key = {}, .message = translate(fault.msg)});
    return document.problems.back().place.line;
  }
}

// The structure is broken in `line`: where a quote is why, that is what is told.
void blame_open_quote(const TextScan& scan, int line, std::vector<Problem>& problems) {
  const LongQuote* quote = find_open_quote(scan, line);
  if (quote == nullptr) return;
  problems.resize(std::min(problems.size(), quote->findings));
  problems.push_back({.place = quote->opened, .key = {}, .message = describe_open_quote(*quote)});
}

}  // namespace

YamlDocument read_yaml(std::string_view text, const std::string& file) {
  YamlDocument document;
  if (text.size() > kFileBytesMax) {
    document.problems.push_back(
        {.place = {.file = file, .line = 1, .column = 1},
         .key = {},
         .message = base::format("the file has {} bytes, more than {}; split it and use include", text.size(),
                                 kFileBytesMax)});
    return document;
  }
  TextScan scan = scan_text(text, file);
  document.problems = std::move(scan.problems);
  if (scan.fault_line) blame_open_quote(scan, *scan.fault_line, document.problems);
  if (!scan.can_be_parsed) return document;
  const std::size_t found = document.problems.size();
  const std::optional<int> fault_line = parse(scan.mended, file, document);
  // A fault of a text that had to be mended may come from the mending.
  if (found > 0 && !document.root) document.problems.resize(found);
  if (fault_line) blame_open_quote(scan, *fault_line, document.problems);
  if (!document.root) return document;
  if (document.root->is_null()) document.root = Node::map();
  for (Problem& problem : document.problems) {
    if (problem.key.empty()) problem.key = path_at(*document.root, problem.place, "");
  }
  return document;
}

}  // namespace viaduct::config

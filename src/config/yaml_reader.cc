// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "base/format.h"
#include "config/text_scan.h"
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

// yaml-cpp's marks count lines and bytes from 0.
Place place_of(const YAML::Mark& mark, const std::string& file, const std::vector<std::string_view>& lines) {
  const std::string_view line = mark.line < static_cast<int>(lines.size()) && mark.line >= 0
                                    ? lines[static_cast<std::size_t>(mark.line)]
                                    : std::string_view();
  const int column = mark.column < 0 ? 1 : column_of_offset(line, static_cast<std::size_t>(mark.column));
  return {.file = file, .line = mark.line + 1, .column = column};
}

std::size_t count_nodes(const Node& node) {
  std::size_t count = 1;
  for (const Node& item : node.items) count += count_nodes(item);
  for (const Entry& entry : node.entries) count += count_nodes(entry.value);
  return count;
}

// Builds the tree from the parser's events. A collection that breaks a rule is still built, so that the parser goes on
// and the rest of the file is read; what goes beyond a bound is skipped.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, const std::vector<std::string_view>& lines, std::vector<Problem>& problems)
      : file_(file), lines_(lines), problems_(problems) {}

  // The finished tree; absent when a bound was passed, since then parts of it are missing.
  std::optional<Node> take_root() {
    if (has_reported_bound_) return std::nullopt;
    return std::move(root_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ != 2) return;
    const Place place = place_of(mark, file_, lines_);
    const bool is_separator = lines_.size() >= static_cast<std::size_t>(place.line) &&
                              lines_[static_cast<std::size_t>(place.line) - 1].starts_with("---");
    report(place, is_separator
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
      report(place_of(mark, file_, lines_), "this alias stands inside its own anchor; write the value out");
      OnNull(mark, 0);
      return;
    }
    nodes_ += count_nodes(found->second);
    if (is_full(mark)) return OnNull(mark, 0);
    Node copy = found->second;
    copy.place = place_of(mark, file_, lines_);
    add(std::move(copy), 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    Node node = Node::word(value);
    node.is_quoted = tag != "?";
    node.place = place_of(mark, file_, lines_);
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
    problems_.push_back({.place = place, .key = {}, .message = std::move(message)});
  }

  // The parser marks an absent value where the next token stands; show it at its key instead.
  Place place_of_null(const YAML::Mark& mark) const {
    Place place = place_of(mark, file_, lines_);
    const bool has_key = !open_.empty() && open_.back().has_key;
    return has_key && place.line != open_.back().key_place.line ? open_.back().key_place : place;
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    report(place_of(mark, file_, lines_), "tags have no meaning here; delete the word that starts with !");
  }

  // True beyond a bound, which is reported once.
  bool is_full(const YAML::Mark& mark) {
    const bool is_too_deep = open_.size() >= kDepthMax;
    if (!is_too_deep && nodes_ <= kNodesMax) return false;
    if (!has_reported_bound_) {
      has_reported_bound_ = true;
      report(place_of(mark, file_, lines_),
             is_too_deep ? base::format("maps and lists are nested more than {} deep; flatten them", kDepthMax)
                         : base::format("the file has more than {} values, aliases followed; split it", kNodesMax));
    }
    return true;
  }

  void start(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node node) {
    check_tag(mark, tag);
    if (is_full(mark) || skipped_ > 0) {
      ++skipped_;
      return;
    }
    node.place = place_of(mark, file_, lines_);
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
      is_full(YAML::Mark());
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
    map.has_key = false;
    const auto same = std::ranges::find(map.node.entries, map.key, &Entry::key);
    if (same != map.node.entries.end() && !map.key.empty()) {
      report(map.key_place,
             base::format("the key \"{}\" stands twice in this map, first in line {}; delete one of them", map.key,
                          same->key_place.line));
      return;
    }
    map.node.entries.push_back({.key = map.key, .key_place = map.key_place, .value = std::move(node)});
  }

  std::string file_;
  const std::vector<std::string_view>& lines_;
  std::vector<Problem>& problems_;
  Node root_ = Node::map();
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t nodes_ = 0;
  std::size_t skipped_ = 0;  // collections that are open beyond a bound
  int documents_ = 0;
  bool has_reported_bound_ = false;
};

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

// Parses `text` into `root`. A fault of the parser becomes a problem.
void parse(const std::string& text, const std::string& file, YamlDocument& document) {
  const std::vector<std::string_view> lines = split_lines(text);
  TreeBuilder builder(file, lines, document.problems);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    // A second document is enough to see that there is one.
    for (int i = 0; i < 2 && parser.HandleNextDocument(builder); ++i) continue;
    document.root = builder.take_root();
  } catch (const YAML::Exception& fault) {
    Place place = place_of(fault.mark, file, lines);
    if (fault.mark.is_null() || place.line > static_cast<int>(lines.size())) {
      place = {.file = file, .line = static_cast<int>(std::max<std::size_t>(lines.size(), 1)), .column = 1};
    }
    document.problems.push_back({.place = place, .key = {}, .message = translate(fault.msg)});
  }
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
  if (!scan.can_be_parsed) return document;
  const std::size_t found = document.problems.size();
  parse(scan.mended, file, document);
  // A fault of a text that had to be mended may come from the mending.
  if (found > 0 && !document.root) document.problems.resize(found);
  if (document.root && document.root->is_null()) document.root = Node::map();
  return document;
}

}  // namespace viaduct::config

// SPDX-License-Identifier: Apache-2.0
// Text to tree: one YAML document into a Node that knows file, line and column of every part. The only place that knows
// yaml-cpp, and the only one that catches exceptions, which yaml-cpp throws. What the parser lets through is found
// here: duplicate keys, more than one document, tags, keys that are not text, aliases that would blow up. Cold path;
// any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"
#include "config/problem.h"
#include "config/text_scan.h"

namespace viaduct::config {

// Bounds of one file. A config beyond them is no config.
inline constexpr std::size_t kFileBytesMax = 1024 * 1024;
inline constexpr std::size_t kNodesMax = 50000;  // with aliases followed

struct YamlDocument {
  // Absent when the text cannot be parsed even after mending. A text without content is an empty map.
  std::optional<Node> root;
  std::vector<Problem> problems;  // all errors
};

// Reads `text`, which came from `file`.
YamlDocument read_yaml(std::string_view text, const std::string& file);

}  // namespace viaduct::config

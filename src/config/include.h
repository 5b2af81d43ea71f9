// SPDX-License-Identifier: Apache-2.0
// One tree out of several files: follows `include`, merges what the files say, and tells when two of them say the same.
// Lists (listeners, sites) append in the order of the files; upstreams and errors merge by name; every other key may
// stand in one file only. Patterns are relative to the file that they stand in. Cold path; one thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "config/files.h"
#include "config/node.h"
#include "config/problem.h"
#include "config/reading.h"

namespace viaduct::config {

inline constexpr std::size_t kIncludeDepthMax = 8;
inline constexpr std::size_t kIncludedFilesMax = 256;

// Reads the file at `path` and all that it includes. Every file goes to `sources`, every problem to `reading`. Absent
// when the first file cannot be read at all. With `texts`, these are all the files that there are; no other is looked
// at.
std::optional<Node> read_file_with_includes(const std::string& path, Reading& reading, Sources& sources,
                                            const Texts* texts = nullptr);
// The same for a text that stands for a file called `name`.
std::optional<Node> read_text_with_includes(const std::string& text, const std::string& name, Reading& reading,
                                            Sources& sources);
// Which files on the disk, beside `texts`, the patterns of the config at `path` would include if these texts stood
// there.
std::vector<std::string> find_files_beside(const std::string& path, Reading& reading, const Texts& texts);

}  // namespace viaduct::config

// SPDX-License-Identifier: Apache-2.0
// The files that a config names: whether they are there and can be used, and their text where the config needs it at
// once. What is wrong comes as text for the operator. Cold path; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "config/units.h"

namespace viaduct::config {

// Texts of files by their absolute paths, in their normal form: a config that was kept, to be loaded again.
using Texts = std::map<std::string, std::string>;

// A pipe is waited for until it has been written.
enum class Readable : std::uint8_t { kFiles, kFilesAndPipes };
// The content of the file at `path`, at most `limit_bytes` of it; a longer file is an error.
Parsed<std::string> read_text_file(const std::string& path, std::size_t limit_bytes,
                                   Readable readable = Readable::kFiles);
// What is wrong with `path` as a file to read; empty when nothing is.
std::string explain_unreadable_file(const std::string& path, Readable readable = Readable::kFiles);
// What is wrong with `path` as a directory to serve files from; empty when nothing is.
std::string explain_unreadable_directory(const std::string& path);
// What is wrong with `path` as a file that will be made or written; empty when its directory is there.
std::string explain_unwritable_file(const std::string& path);

// What is wrong with `path` as a log, which is made or written; empty when nothing is.
std::string explain_unusable_log(const std::string& path);
// What is wrong with `path` as a directory that is made where it is not there; empty when nothing is.
std::string explain_unusable_directory(const std::string& path);
// The one spelling of `path`, as far as it is there: without links, dots and doubled slashes.
std::string real_path(const std::string& path);
// Why no Unix socket can be made at `path`: the same, or something else stands there, which nobody removes; empty when
// one can.
std::string explain_unusable_socket(const std::string& path);

}  // namespace viaduct::config

// SPDX-License-Identifier: Apache-2.0
// The one table of what the access log can show: a row for each field with its name, how it is rendered and one
// sentence about it. The JSON format, `${field}` in templates and the reference are made from it, so that nothing else,
// no Authorization and no Cookie, ever gets into a log line. Constant; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "observe/access_record.h"
#include "observe/line_writer.h"
#include "observe/time_text.h"

namespace viaduct::observe {

// What the log shows at most of each text; longer ones end in "...".
inline constexpr std::size_t kPathBytesMax = 4096;
inline constexpr std::size_t kQueryBytesMax = 4096;
inline constexpr std::size_t kRefererBytesMax = 1024;
inline constexpr std::size_t kUserAgentBytesMax = 512;
inline constexpr std::size_t kNameBytesMax = 256;   // hosts, and names of the config
inline constexpr std::size_t kTokenBytesMax = 128;  // methods, ids, versions, ciphers, reasons

// What rendering needs beside the record.
struct FieldContext {
  QueryLogging query = QueryLogging::kMasked;
  TimeText& time;
};

struct LogField {
  std::string_view name;
  // One of the keys of the JSON format, which has them in the order of the table; the others are for templates.
  bool in_json;
  // Bytes that it can take in a line.
  std::size_t rendered_max;
  // Writes one value, JSON or text as the writer is.
  void (*write)(const AccessRecord& record, const FieldContext& context, LineWriter& out);
  // What it says, for the reference.
  std::string_view sentence;
};

// All rows.
std::span<const LogField> log_fields();
// The row of that name; null where there is none.
const LogField* find_log_field(std::string_view name);

}  // namespace viaduct::observe

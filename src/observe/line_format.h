// SPDX-License-Identifier: Apache-2.0
// The form of an access log line: texts and fields in turn, in one of two kinds of escaping. JSON and combined are such
// sequences as well as the templates of the config. A value; immutable once made, so that all threads may render by it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "observe/log_fields.h"

namespace viaduct::observe {

class LineFormat {
 public:
  static constexpr std::size_t kTemplateBytesMax = 4096;
  static constexpr std::size_t kTemplateFieldsMax = 64;

  // One JSON object with all keys of the table: texts are strings (empty when absent), absent numbers are null.
  static LineFormat json();
  // Apache's and nginx's "combined". The user is always "-": Authorization is never logged.
  static LineFormat combined();
  // Text with ${field} in it. Values are escaped, so that they stay within double quotes, but quotes are the template's
  // business. An error names the field or the limit.
  static base::Result<LineFormat> from_template(std::string_view text);

  // Renders one line with its line feed to `out` and returns what is behind it.
  // REQUIRES: room for line_bytes_max() bytes.
  char* render(const AccessRecord& record, const FieldContext& context, char* out) const;
  std::size_t line_bytes_max() const { return line_bytes_max_; }

 private:
  // A text and the field after it; the last one has no field.
  struct Segment {
    std::string literal;
    const LogField* field;
  };

  explicit LineFormat(LineWriter::Escape escape) : escape_(escape) {}

  void add(std::string_view literal, const LogField* field);

  LineWriter::Escape escape_;
  std::vector<Segment> segments_;
  std::size_t line_bytes_max_ = 0;
};

}  // namespace viaduct::observe

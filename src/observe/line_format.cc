// SPDX-License-Identifier: Apache-2.0
#include "observe/line_format.h"

#include <algorithm>

#include "base/check.h"
#include "base/format.h"

namespace viaduct::observe {
namespace {

constexpr std::string_view kCombined =
    R"(${client_ip} - - [${time_local}] "${request}" ${status} ${bytes_out} "${referer}" "${user_agent}")";

std::string field_names() {
  std::string names;
  for (const LogField& field : log_fields()) names += (names.empty() ? "" : ", ") + std::string(field.name);
  return names;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; });
}

}  // namespace

LineFormat LineFormat::json() {
  LineFormat format(LineWriter::Escape::kJson);
  std::string_view before = "{";
  for (const LogField& field : log_fields()) {
    if (!field.in_json) continue;
    format.add(base::format("{}\"{}\":", before, field.name), &field);
    before = ",";
  }
  format.add("}\n", nullptr);
  return format;
}

LineFormat LineFormat::combined() {
  base::Result<LineFormat> format = from_template(kCombined);
  CHECK(format.has_value());
  return std::move(*format);
}

base::Result<LineFormat> LineFormat::from_template(std::string_view text) {
  if (text.size() > kTemplateBytesMax) {
    return base::fail(
        base::format("the log template has {} bytes, {} are allowed; write less", text.size(), kTemplateBytesMax));
  }
  if (has_control(text))
    return base::fail("the log template holds a control character; delete it, since a line is one line");
  LineFormat format(LineWriter::Escape::kText);
  for (;;) {
    const std::size_t begin = text.find("${");
    if (begin == std::string_view::npos) break;
    const std::size_t end = text.find('}', begin);
    if (end == std::string_view::npos) return base::fail("the log template has a ${ without its }; add it");
    const std::string_view name = text.substr(begin + 2, end - begin - 2);
    const LogField* field = find_log_field(name);
    if (field == nullptr) {
      return base::fail(base::format("the log has no field \"{}\"; write one of {}", name, field_names()));
    }
    if (format.segments_.size() == kTemplateFieldsMax) {
      return base::fail(base::format("the log template has more than {} fields; leave some out", kTemplateFieldsMax));
    }
    format.add(text.substr(0, begin), field);
    text.remove_prefix(end + 1);
  }
  if (format.segments_.empty()) return base::fail("the log template has no field; write ${path} and the like");
  format.add(base::format("{}\n", text), nullptr);
  return format;
}

void LineFormat::add(std::string_view literal, const LogField* field) {
  segments_.push_back({.literal = std::string(literal), .field = field});
  line_bytes_max_ += literal.size() + (field != nullptr ? field->rendered_max : 0);
}

char* LineFormat::render(const AccessRecord& record, const FieldContext& context, char* out) const {
  LineWriter line(out, escape_);
  for (const Segment& segment : segments_) {
    line.literal(segment.literal);
    if (segment.field != nullptr) segment.field->write(record, context, line);
  }
  return line.end();
}

}  // namespace viaduct::observe

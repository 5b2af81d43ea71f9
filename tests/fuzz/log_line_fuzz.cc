// SPDX-License-Identifier: Apache-2.0
// What a client can write into a line of the access log. Held, for each form: one line, with no control character in
// it, within the bound; JSON is JSON, with the value that was given where that is UTF-8; quotes stay closed.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "observe/line_format.h"

namespace {

using viaduct::observe::AccessRecord;
using viaduct::observe::LineFormat;

constexpr std::size_t kTexts = 6;
constexpr std::size_t kQuotesOfCombined = 6;

// The input cut at its line feeds, which may stand in the texts none the less, spelled as U+2424.
std::array<std::string, kTexts> texts_of(std::string_view input) {
  std::array<std::string, kTexts> texts;
  for (std::string& text : texts) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    text = input.substr(0, end);
    for (std::size_t at = text.find("␤"); at != std::string::npos; at = text.find("␤", at + 1))
      text.replace(at, 3, "\n");
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  return texts;
}

std::string rendered(const LineFormat& format, const AccessRecord& record, viaduct::observe::QueryLogging query) {
  viaduct::observe::TimeText time;
  std::vector<char> line(format.line_bytes_max());
  const char* end = format.render(record, {.query = query, .time = time}, line.data());
  const auto size = static_cast<std::size_t>(end - line.data());
  CHECK(size <= line.size());
  return std::string(line.data(), size);
}

void check_line(std::string_view line) {
  CHECK(line.ends_with('\n'));
  line.remove_suffix(1);
  for (const char byte : line) CHECK(static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto query = static_cast<viaduct::observe::QueryLogging>(data[0] % 3);
  const auto texts = texts_of({reinterpret_cast<const char*>(data) + 1, size - 1});
  AccessRecord record;
  record.method = texts[0];
  record.host = texts[1];
  record.path = texts[2];
  record.query = texts[3];
  record.user_agent = texts[4];
  record.referer = texts[5];
  record.status = 200;

  static const LineFormat json = LineFormat::json();
  static const LineFormat combined = LineFormat::combined();
  static const auto own = LineFormat::from_template("\"${path}\" \"${query}\" ${user_agent} ${referer} ${host}");
  const std::string json_line = rendered(json, record, query);
  check_line(json_line);
  const nlohmann::json parsed = nlohmann::json::parse(json_line, nullptr, false);
  CHECK(!parsed.is_discarded() && parsed.is_object());
  const bool is_ascii =
      std::ranges::all_of(texts[4], [](char byte) { return static_cast<unsigned char>(byte) < 0x80; });
  if (is_ascii && texts[4].size() <= 512) CHECK(parsed["user_agent"] == texts[4]);

  const std::string combined_line = rendered(combined, record, query);
  check_line(combined_line);
  CHECK(std::ranges::count(combined_line, '"') == static_cast<std::ptrdiff_t>(kQuotesOfCombined));
  const std::string own_line = rendered(*own, record, query);
  check_line(own_line);
  CHECK(std::ranges::count(own_line, '"') == 4);
  return 0;
}

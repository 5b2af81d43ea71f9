// SPDX-License-Identifier: Apache-2.0
#include "observe/line_writer.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace viaduct::observe {
namespace {

using Escape = LineWriter::Escape;
using namespace std::chrono_literals;

// What `write` writes; whatever it is, it must fit into `size` bytes exactly allocated, which AddressSanitizer watches.
std::string written(Escape escape, const std::function<void(LineWriter&)>& write, std::size_t size = 64 * 1024) {
  std::vector<char> bytes(size);
  LineWriter out(bytes.data(), escape);
  write(out);
  EXPECT_LE(out.end(), bytes.data() + size);
  return {bytes.data(), out.end()};
}

std::string text_of(Escape escape, std::string_view text, std::size_t bytes_max = 1024) {
  return written(escape, [&](LineWriter& out) { out.text(text, bytes_max); }, LineWriter::rendered_text_max(bytes_max));
}

std::string query_of(std::string_view query, QueryLogging logging, std::size_t bytes_max = 1024) {
  return written(
      Escape::kText,
      [&](LineWriter& out) {
        out.open_text(bytes_max);
        out.query_parts(query, logging);
        out.close_text();
      },
      LineWriter::rendered_text_max(bytes_max));
}

TEST(LineWriter, EscapesHostileTexts) {
  struct Row {
    std::string_view text;
    std::string_view json;
    std::string_view plain;
  };
  const Row rows[] = {
      {"", R"("")", "-"},
      {"/index.html", R"("/index.html")", "/index.html"},
      {" ~", R"(" ~")", " ~"},
      {R"(a"b\c)", R"("a\"b\\c")", R"(a\x22b\x5Cc)"},
      {R"(","status":200,"x":")", R"("\",\"status\":200,\"x\":\"")", R"(\x22,\x22status\x22:200,\x22x\x22:\x22)"},
      {R"(\)", R"("\\")", R"(\x5C)"},
      {"a\r\nb", R"("a\u000d\u000ab")", R"(a\x0D\x0Ab)"},
      {std::string_view("\0\t\x1b[2J\x7f", 7), R"("\u0000\u0009\u001b[2J\u007f")", R"(\x00\x09\x1B[2J\x7F)"},
      {"支付", R"("支付")", R"(\xE6\x94\xAF\xE4\xBB\x98)"},
      {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"", R"(\xF0\x9F\x98\x80)"},
      {"\xff\xfe", R"("\u00ff\u00fe")", R"(\xFF\xFE)"},
      {"caf\xe9", R"("caf\u00e9")", R"(caf\xE9)"},                           // ISO 8859-1
      {"\xe6\x94", R"("\u00e6\u0094")", R"(\xE6\x94)"},                      // cut off
      {"\xc0\xaf", R"("\u00c0\u00af")", R"(\xC0\xAF)"},                      // overlong
      {"\xed\xa0\x80", R"("\u00ed\u00a0\u0080")", R"(\xED\xA0\x80)"},        // a surrogate
      {"\xc2\x85|\xc2\x9b", R"("\u0085|\u009b")", R"(\xC2\x85|\xC2\x9B)"},   // next line, CSI
      {"\xc2\xa0", "\"\xc2\xa0\"", R"(\xC2\xA0)"},                           // the first that is no control
      {"\u2028\u2029", R"("\u2028\u2029")", R"(\xE2\x80\xA8\xE2\x80\xA9)"},  // line and paragraph separator
  };
  for (const Row& row : rows) {
    EXPECT_EQ(text_of(Escape::kJson, row.text), row.json);
    EXPECT_EQ(text_of(Escape::kText, row.text), row.plain);
  }
}

TEST(LineWriter, GivesValidJsonForEveryPairOfBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      const std::string json = text_of(Escape::kJson, text, 2);
      const auto parsed = nlohmann::json::parse(json, nullptr, false);
      ASSERT_TRUE(parsed.is_string()) << first << " " << second << " " << json;
      ASSERT_EQ(json.find('\n'), std::string::npos);
      if (first < 0x80 && second < 0x80) {
        ASSERT_EQ(parsed.get<std::string>(), text);
      }
      const std::string plain = text_of(Escape::kText, text, 2);
      for (const char byte : plain) ASSERT_TRUE(byte >= 0x20 && byte < 0x7f && byte != '"') << plain;
    }
  }
}

TEST(LineWriter, BoundsTexts) {
  EXPECT_EQ(text_of(Escape::kJson, "12345", 5), R"("12345")");
  EXPECT_EQ(text_of(Escape::kJson, "123456", 5), R"("12345...")");
  EXPECT_EQ(text_of(Escape::kText, "123456", 5), "12345...");
  EXPECT_EQ(text_of(Escape::kJson, "1234支", 5), R"("1234...")");  // no half characters
  EXPECT_EQ(text_of(Escape::kJson, "123456", 0), R"("...")");
  // The worst that can come fills what rendered_text_max() promises, and no more.
  EXPECT_EQ(text_of(Escape::kJson, std::string(1000, '\x01'), 500).size(), LineWriter::rendered_text_max(500));
}

TEST(LineWriter, WritesNumbers) {
  EXPECT_EQ(written(Escape::kJson, [](LineWriter& out) { out.number(0); }), "0");
  EXPECT_EQ(written(
                Escape::kText, [](LineWriter& out) { out.number(std::numeric_limits<std::uint64_t>::max()); },
                LineWriter::kRenderedNumberMax),
            "18446744073709551615");
}

TEST(LineWriter, WritesMillisecondsWithThreeDecimals) {
  struct Row {
    std::optional<base::Duration> duration;
    std::string_view text;
  };
  const Row rows[] = {
      {0ns, "0.000"},
      {999ns, "0.000"},
      {1us, "0.001"},
      {1ms, "1.000"},
      {12345678ns, "12.345"},
      {4500ms, "4500.000"},
      {1h + 1us, "3600000.001"},
      {-5ms, "0.000"},
      {base::Duration::max(), "9223372036854.775"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(
        written(
            Escape::kJson, [&](LineWriter& out) { out.milliseconds(row.duration); }, LineWriter::kRenderedNumberMax),
        row.text);
  }
}

TEST(LineWriter, ShowsWhatIsAbsent) {
  EXPECT_EQ(written(Escape::kJson, [](LineWriter& out) { out.milliseconds(std::nullopt); }), "null");
  EXPECT_EQ(written(Escape::kText, [](LineWriter& out) { out.milliseconds(std::nullopt); }), "-");
  EXPECT_EQ(written(Escape::kJson, [](LineWriter& out) { out.absent(); }), "null");
}

TEST(LineWriter, MasksTheValuesOfAQuery) {
  struct Row {
    std::string_view query;
    std::string_view masked;
    std::string_view keys;
  };
  const Row rows[] = {
      {"", "-", "-"},
      {"a=1", "a=***", "a"},
      {"code=secret&state=x", "code=***&state=***", "code&state"},
      {"a=", "a=***", "a"},
      {"flag", "flag", "flag"},
      {"flag&a=1", "flag&a=***", "flag&a"},
      {"a=1=2=3", "a=***", "a"},
      {"a=1;token=secret", "a=***", "a"},
      {"=secret", "=***", "-"},
      {"a=1&", "a=***&", "a&"},
      {"&&a=1", "&&a=***", "&&a"},
      {"a=1?b=2", "a=***", "a"},
      {"%61=%20&%E6%94%AF=x", "%61=***&%E6%94%AF=***", "%61&%E6%94%AF"},
      {"k\n=v\n", "k\\x0A=***", "k\\x0A"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(query_of(row.query, QueryLogging::kMasked), row.masked);
    EXPECT_EQ(query_of(row.query, QueryLogging::kKeys), row.keys);
  }
  EXPECT_EQ(query_of("code=secret&flag", QueryLogging::kFull), "code=secret&flag");
}

TEST(LineWriter, BoundsWhatAMaskedQueryGrowsTo) {
  EXPECT_EQ(query_of("a=1&b=2", QueryLogging::kMasked, 11), "a=***&b=***");
  EXPECT_EQ(query_of("a=1&b=2", QueryLogging::kMasked, 10), "a=***&b=**...");
  std::string many;
  for (int count = 0; count < 1000; ++count) many += "a=&";
  EXPECT_EQ(query_of(many, QueryLogging::kMasked, 30).size(), 33U);
  EXPECT_EQ(query_of(std::string(500, 'k') + "=secret", QueryLogging::kMasked, 100), std::string(100, 'k') + "...");
}

TEST(LineWriter, JoinsPartsUnderOneBound) {
  const auto joined = [](std::size_t bytes_max) {
    return written(Escape::kJson, [bytes_max](LineWriter& out) {
      out.open_text(bytes_max);
      out.part("GET");
      out.part(" ");
      out.part("/");
      out.close_text();
    });
  };
  EXPECT_EQ(joined(5), R"("GET /")");
  EXPECT_EQ(joined(4), R"("GET ...")");
  EXPECT_EQ(joined(2), R"("GE...")");
}

}  // namespace
}  // namespace viaduct::observe

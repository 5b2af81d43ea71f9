// SPDX-License-Identifier: Apache-2.0
#include "http/conditional.h"

#include <algorithm>

#include "http/date.h"
#include "http/syntax.h"

namespace viaduct::http {
namespace {

// How two entity tags are compared, RFC 9110 §8.8.3.2.
enum class Comparison : std::uint8_t { kStrong, kWeak };

constexpr std::string_view kWeakMark = "W/";

std::string_view opaque_tag(std::string_view tag) {
  return tag.starts_with(kWeakMark) ? tag.substr(kWeakMark.size()) : tag;
}

// RFC 9110 §8.8.3: visible characters but the quote, and bytes above 0x7f, between quotes.
bool is_entity_tag(std::string_view text) {
  const std::string_view tag = opaque_tag(text);
  if (tag.size() < 2 || tag.front() != '"' || tag.back() != '"') return false;
  return std::ranges::all_of(tag.substr(1, tag.size() - 2), [](char byte) {
    const auto code = static_cast<unsigned char>(byte);
    return code > 0x20 && code != 0x22 && code != 0x7f;
  });
}

bool matches(std::string_view a, std::string_view b, Comparison comparison) {
  if (comparison == Comparison::kWeak) return opaque_tag(a) == opaque_tag(b);
  return a == b && !a.starts_with(kWeakMark);
}

// Takes the first entity tag off a list, up to a comma or the end. A tag holds no escapes, so that a backslash in it
// is itself, other than in quoted strings. Empty when the list begins with anything else.
std::string_view take_entity_tag(std::string_view& rest) {
  const std::size_t opening = rest.find('"');
  const std::size_t closing = opening == std::string_view::npos ? opening : rest.find('"', opening + 1);
  if (closing == std::string_view::npos) return {};
  const std::string_view tag = rest.substr(0, closing + 1);
  const std::string_view behind = trim_whitespace(rest.substr(closing + 1));
  if (!is_entity_tag(tag) || (!behind.empty() && behind.front() != ',')) return {};
  rest = behind;
  return tag;
}

// True when one of the lines named `id` is "*" or lists a tag that matches `etag`. What stands behind a member that is
// no entity tag is not looked at.
bool lists_tag(const Fields& fields, FieldName id, std::string_view etag, Comparison comparison) {
  for (const Field& field : fields) {
    if (field.id != id) continue;
    if (field.value == "*") return true;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t start = rest.find_first_not_of(", \t");
      if (start == std::string_view::npos) break;
      rest.remove_prefix(start);
      const std::string_view tag = take_entity_tag(rest);
      if (tag.empty()) break;
      if (!etag.empty() && matches(tag, etag, comparison)) return true;
    }
  }
  return false;
}

// The date of the only line named `id`; absent when there is none, several, or no date.
std::optional<std::int64_t> single_date(const Fields& fields, FieldName id, std::int64_t now_seconds) {
  const Field* field = fields.find(id);
  if (field == nullptr || fields.count(id) != 1) return std::nullopt;
  return parse_date(field->value, now_seconds);
}

}  // namespace

Precondition evaluate_preconditions(const Fields& fields, Method method, const Validators& validators,
                                    std::int64_t now_seconds) {
  if (fields.find(FieldName::kIfMatch) != nullptr) {
    if (!lists_tag(fields, FieldName::kIfMatch, validators.etag, Comparison::kStrong)) return Precondition::kFailed;
  } else if (validators.last_modified) {
    const auto date = single_date(fields, FieldName::kIfUnmodifiedSince, now_seconds);
    if (date && *validators.last_modified > *date) return Precondition::kFailed;
  }
  const bool reads = method == Method::kGet || method == Method::kHead;
  if (fields.find(FieldName::kIfNoneMatch) != nullptr) {
    if (!lists_tag(fields, FieldName::kIfNoneMatch, validators.etag, Comparison::kWeak)) return Precondition::kProceed;
    return reads ? Precondition::kNotModified : Precondition::kFailed;
  }
  if (reads && validators.last_modified) {
    const auto date = single_date(fields, FieldName::kIfModifiedSince, now_seconds);
    if (date && *validators.last_modified <= *date) return Precondition::kNotModified;
  }
  return Precondition::kProceed;
}

bool allows_range(const Fields& fields, const Validators& validators, std::int64_t now_seconds) {
  const Field* field = fields.find(FieldName::kIfRange);
  if (field == nullptr) return true;
  if (fields.count(FieldName::kIfRange) != 1) return false;
  if (is_entity_tag(field->value)) return matches(field->value, validators.etag, Comparison::kStrong);
  const std::optional<std::int64_t> date = parse_date(field->value, now_seconds);
  return date && date == validators.last_modified && *date < now_seconds;
}

}  // namespace viaduct::http

// SPDX-License-Identifier: Apache-2.0
#include "route/conditions.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/format.h"

namespace viaduct::route {
namespace {

constexpr std::uint32_t bit_of(http::Method method) {
  return std::uint32_t{1} << static_cast<unsigned>(method);
}

// True when `encoded`, a name or a value of a query, decodes to `text`. Malformed escapes stand for themselves.
bool decodes_to(std::string_view encoded, std::string_view text) {
  for (std::size_t at = 0; at < encoded.size(); ++at) {
    char byte = encoded[at] == '+' ? ' ' : encoded[at];
    if (byte == '%' && encoded.size() - at >= 3) {
      const int high = base::hex_value(encoded[at + 1]);
      const int low = base::hex_value(encoded[at + 2]);
      if (high >= 0 && low >= 0) {
        byte = static_cast<char>(high * 16 + low);
        at += 2;
      }
    }
    if (!text.starts_with(byte)) return false;
    text.remove_prefix(1);
  }
  return text.empty();
}

// True when the first parameter called `name` has `value`.
bool has_parameter(std::string_view query, std::string_view name, std::string_view value) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (!decodes_to(pair.substr(0, equals), name)) continue;
    return decodes_to(pair.substr(std::min(equals + 1, pair.size())), value);
  }
  return false;
}

}  // namespace

void MethodSet::add(std::string_view token) {
  const http::Method method = http::parse_method(token);
  if (method != http::Method::kOther) {
    known_ |= bit_of(method);
  } else if (std::ranges::find(others_, token) == others_.end()) {
    others_.emplace_back(token);
  }
}

void MethodSet::add_all(const MethodSet& other) {
  known_ |= other.known_;
  for (const std::string& token : other.others_) add(token);
}

bool MethodSet::contains(http::Method method, std::string_view text) const {
  if (method != http::Method::kOther) return (known_ & bit_of(method)) != 0;
  return std::ranges::find(others_, text) != others_.end();
}

std::string_view MethodSet::list(base::Arena& arena) const {
  std::string_view names;
  const auto append = [&](std::string_view name) {
    if (!names.empty()) names = arena.append(names, ", ");
    names = arena.append(names, name);
  };
  for (unsigned number = 0; number < static_cast<unsigned>(http::Method::kOther); ++number) {
    const auto method = static_cast<http::Method>(number);
    if ((known_ & bit_of(method)) != 0) append(http::method_name(method));
  }
  for (const std::string& token : others_) append(token);
  return names;
}

Conditions::Conditions(const config::Match& match) {
  for (const std::string& method : match.methods) methods_.add(method);
  if (methods_.contains(http::Method::kGet, "GET")) methods_.add("HEAD");
  for (const auto& [name, value] : match.headers) headers_.push_back({http::find_field_name(name), name, value});
  for (const auto& [name, value] : match.query) query_.push_back({name, value});
}

std::size_t Conditions::count() const {
  return (methods_.empty() ? 0 : 1) + headers_.size() + query_.size();
}

Verdict Conditions::check(const RequestView& request, std::string_view query) const {
  if (!headers_.empty() && failing_header(request) != nullptr) return Verdict::kHeader;
  if (!query_.empty() && failing_parameter(query) != nullptr) return Verdict::kQuery;
  const bool method_passes = methods_.empty() || methods_.contains(request.method, request.method_text);
  return method_passes ? Verdict::kTaken : Verdict::kMethod;
}

std::string Conditions::describe(Verdict verdict, const RequestView& request, std::string_view query) const {
  switch (verdict) {
    case Verdict::kMethod: {
      base::ChunkPool chunks;
      base::Arena arena(chunks);
      return base::format("method is not one of {}", methods_.list(arena));
    }
    case Verdict::kHeader: {
      const Header* header = failing_header(request);
      return header == nullptr ? std::string() : base::format("header {} is not {}", header->name, header->value);
    }
    case Verdict::kQuery: {
      const Parameter* parameter = failing_parameter(query);
      return parameter == nullptr ? std::string()
                                  : base::format("query parameter {} is not {}", parameter->name, parameter->value);
    }
    case Verdict::kLessSpecific: return "a better match takes the request";
    case Verdict::kTaken: break;
  }
  return {};
}

const Conditions::Header* Conditions::failing_header(const RequestView& request) const {
  const auto fails = [&](const Header& header) {
    const http::Field* field =
        header.id != http::FieldName::kOther ? request.fields->find(header.id) : request.fields->find(header.name);
    return field == nullptr || field->value != header.value;
  };
  const auto found = std::ranges::find_if(headers_, fails);
  return found == headers_.end() ? nullptr : &*found;
}

const Conditions::Parameter* Conditions::failing_parameter(std::string_view query) const {
  const auto fails = [&](const Parameter& parameter) { return !has_parameter(query, parameter.name, parameter.value); };
  const auto found = std::ranges::find_if(query_, fails);
  return found == query_.end() ? nullptr : &*found;
}

}  // namespace viaduct::route

// SPDX-License-Identifier: Apache-2.0
#include "http/accept.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "http/syntax.h"

namespace viaduct::http {
namespace {

// Calls `visit(Weighted)` for each member of each line named `id`.
template <typename Visit>
void for_each_member(const Fields& fields, FieldName id, Visit visit) {
  for (const Field& field : fields) {
    if (field.id != id) continue;
    for (ListReader list(field.value); !list.done(); list.next()) visit(read_weight(list.member()));
  }
}

// The weights that Accept-Encoding states; absent where it does not name the coding.
struct CodingWeights {
  std::optional<int> brotli;
  std::optional<int> gzip;
  std::optional<int> identity;
  std::optional<int> others;  // "*"
};

CodingWeights read_coding_weights(const Fields& fields) {
  CodingWeights weights;
  for_each_member(fields, FieldName::kAcceptEncoding, [&weights](const Weighted& member) {
    if (base::equals_ignoring_case(member.value, "br")) weights.brotli = member.weight;
    if (base::equals_ignoring_case(member.value, "gzip")) weights.gzip = member.weight;
    // An old name of the same coding (RFC 9110 §8.4.1.3).
    if (base::equals_ignoring_case(member.value, "x-gzip") && !weights.gzip) weights.gzip = member.weight;
    if (base::equals_ignoring_case(member.value, "identity")) weights.identity = member.weight;
    if (member.value == "*") weights.others = member.weight;
  });
  return weights;
}

bool names_exactly(const Fields& fields, std::string_view type) {
  int weight = 0;
  for_each_member(fields, FieldName::kAccept, [&](const Weighted& member) {
    if (base::equals_ignoring_case(member.value, type)) weight = member.weight;
  });
  return weight > 0;
}

}  // namespace

bool names_type(const Fields& fields, std::string_view type) {
  const std::string_view kind = type.substr(0, type.find('/') + 1);
  std::optional<int> exact;
  std::optional<int> any_of_kind;
  for_each_member(fields, FieldName::kAccept, [&](const Weighted& member) {
    const bool is_of_kind = base::equals_ignoring_case(member.value.substr(0, kind.size()), kind);
    if (base::equals_ignoring_case(member.value, type)) exact = member.weight;
    if (is_of_kind && member.value.substr(kind.size()) == "*") any_of_kind = member.weight;
  });
  return exact.value_or(any_of_kind.value_or(0)) > 0;
}

bool accepts_html(const Fields& fields) {
  return names_type(fields, "text/html") || names_exactly(fields, "application/xhtml+xml");
}

bool accepts_json(const Fields& fields) {
  return names_type(fields, "application/json") || names_exactly(fields, "application/problem+json");
}

std::string_view content_coding_name(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::kIdentity: return {};
    case ContentCoding::kGzip: return "gzip";
    case ContentCoding::kBrotli: return "br";
  }
  return {};
}

ContentCoding choose_coding(const Fields& fields, bool has_brotli, bool has_gzip) {
  const CodingWeights weights = read_coding_weights(fields);
  const int others = weights.others.value_or(0);
  const int brotli = has_brotli ? weights.brotli.value_or(others) : 0;
  const int gzip = has_gzip ? weights.gzip.value_or(others) : 0;
  // Identity needs no mention; where it has none it yields to any coding that is allowed.
  const int identity = weights.identity.value_or(0);
  const int best = std::max({brotli, gzip, identity});
  if (best == 0) return ContentCoding::kIdentity;
  if (brotli == best) return ContentCoding::kBrotli;
  return gzip == best ? ContentCoding::kGzip : ContentCoding::kIdentity;
}

}  // namespace viaduct::http

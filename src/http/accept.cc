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

}  // namespace

bool accepts_html(const Fields& fields) {
  std::optional<int> page;
  std::optional<int> any_text;
  for_each_member(fields, FieldName::kAccept, [&](const Weighted& member) {
    const bool is_page = base::equals_ignoring_case(member.value, "text/html") ||
                         base::equals_ignoring_case(member.value, "application/xhtml+xml");
    if (is_page) page = std::max(page.value_or(0), member.weight);
    if (base::equals_ignoring_case(member.value, "text/*")) any_text = member.weight;
  });
  return page.value_or(any_text.value_or(0)) > 0;
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

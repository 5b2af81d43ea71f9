// SPDX-License-Identifier: Apache-2.0
// What a client says that it can take: Accept and Accept-Encoding (RFC 9110 §12.5), for answers that are made here.
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/fields.h"

namespace viaduct::http {

// True when Accept asks for HTML: text/html, application/xhtml+xml or text/*, with a weight above 0 for whatever is
// most specific. Browsers name it when they load a page. "*/*" alone, which scripts and tools send for anything, and no
// Accept at all are not enough.
bool accepts_html(const Fields& fields);

// True when Accept asks for JSON: application/json, application/problem+json or application/*, weighed likewise.
bool accepts_json(const Fields& fields);

// True when Accept names `type`, a media type without parameters, or all of its kind ("text/*"), weighed likewise.
bool names_type(const Fields& fields, std::string_view type);

enum class ContentCoding : std::uint8_t { kIdentity, kGzip, kBrotli };

// The name of `coding` in Content-Encoding; empty for kIdentity.
std::string_view content_coding_name(ContentCoding coding);

// The coding among those at hand that Accept-Encoding gives the largest weight; brotli before gzip before identity
// where weights are equal. kIdentity when the field is missing or allows nothing that is there: an answer that the
// client did not ask for beats none (RFC 9110 §12.5.3).
ContentCoding choose_coding(const Fields& fields, bool has_brotli, bool has_gzip);

}  // namespace viaduct::http

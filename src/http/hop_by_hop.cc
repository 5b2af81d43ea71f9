// SPDX-License-Identifier: Apache-2.0
#include "http/hop_by_hop.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "http/syntax.h"

namespace viaduct::http {
namespace {

using enum FieldName;

constexpr auto kHopByHop = [] {
  std::array<bool, 256> table{};
  for (const FieldName id : {kConnection, kHttp2Settings, kKeepAlive, kProxyAuthenticate, kProxyAuthorization,
                             kProxyConnection, kTe, kTransferEncoding, kUpgrade}) {
    table[std::to_underlying(id)] = true;
  }
  return table;
}();

bool is_hop_by_hop(FieldName id) {
  return kHopByHop[std::to_underlying(id)];
}

// Names that are not in http/field_name.h and that `Connection` may not remove. In lower case; one that ends in '-'
// stands for all names that begin with it.
constexpr auto kProtected = std::to_array<std::string_view>({
    // what proxies say about the client
    "cdn-loop",
    "cf-",
    "client-ip",
    "true-client-ip",
    "via",
    "x-client-",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-forwarded-",
    "x-original-",
    "x-real-",
    "x-remote-",
    "x-scheme",
    "x-ssl-",
    // who asks, and with what right
    "alipay-",
    "api-key",
    "authentication-info",
    "idempotency-key",
    "openid",
    "signature",
    "signature-input",
    "wechatpay-",
    "www-authenticate",
    "x-access-",
    "x-api-",
    "x-auth",
    "x-auth-",
    "x-csrf-",
    "x-csrftoken",
    "x-internal-",
    "x-openid",
    "x-requested-with",
    "x-session",
    "x-session-",
    "x-signature",
    "x-tenant-",
    "x-token",
    "x-user",
    "x-user-",
    "x-wechat-",
    "x-wx-",
    "x-xsrf-",
    // how the message is to be read
    "accept-",
    "access-control-",
    "age",
    "alt-svc",
    "clear-site-data",
    "content-",
    "cross-",
    "digest",
    "early-data",
    "expires",
    "if-",
    "link",
    "max-forwards",
    "permissions-policy",
    "pragma",
    "referrer-policy",
    "refresh",
    "repr-digest",
    "sec-",
    "strict-transport-security",
    "x-content-",
    "x-frame-",
    "x-http-",
    "x-method-",
    "x-xss-",
    // what requests are found again by
    "baggage",
    "traceparent",
    "tracestate",
    "x-b3-",
    "x-correlation-",
    "x-request-",
    "x-trace-",
});

// Names of kProtected that are made for trailers (RFC 9530 §2, RFC 9421 §2.1).
constexpr auto kTrailerNames = std::to_array<std::string_view>(
    {"content-digest", "content-md5", "digest", "repr-digest", "signature", "signature-input"});

bool is_listed(std::string_view name) {
  return std::ranges::any_of(kProtected, [name](std::string_view listed) {
    if (name.size() < listed.size()) return false;
    return base::equals_ignoring_case(listed.ends_with('-') ? name.substr(0, listed.size()) : name, listed);
  });
}

// The fields that the Connection lines of a head name, and that may go.
class NamedFields {
 public:
  explicit NamedFields(const Fields& fields) {
    for (const Field& field : fields) {
      if (field.id == kConnection) add(field.value);
    }
  }

  bool contains(const Field& field) const {
    if (count_ == 0 || field.id != kOther) return false;
    const auto end = names_.begin() + static_cast<std::ptrdiff_t>(count_);
    return std::any_of(names_.begin(), end,
                       [&field](std::string_view name) { return base::equals_ignoring_case(field.name, name); });
  }

 private:
  void add(std::string_view value) {
    for (ListReader list(value); !list.done() && count_ < kConnectionOptionsMax; list.next()) {
      const std::string_view name = list.member();
      // What is about the connection goes anyhow.
      const bool goes_anyhow = is_hop_by_hop(find_field_name(name)) || base::equals_ignoring_case(name, "close");
      if (!goes_anyhow && !is_protected(name)) names_[count_++] = name;
    }
  }

  std::array<std::string_view, kConnectionOptionsMax> names_;
  std::size_t count_ = 0;
};

bool claims_certificate(const Field& field) {
  if (field.id != kOther) return field.id == kClientCert || field.id == kClientCertChain;
  return imitates(field.name, field_name_text(kClientCert)) || imitates(field.name, field_name_text(kClientCertChain));
}

}  // namespace

void remove_hop_by_hop_request(Fields& fields) {
  const NamedFields named(fields);
  fields.remove_if([&named](const Field& field) {
    return is_hop_by_hop(field.id) || field.id == kExpect || claims_certificate(field) || named.contains(field);
  });
}

void remove_hop_by_hop_response(Fields& fields) {
  const NamedFields named(fields);
  fields.remove_if([&named](const Field& field) { return is_hop_by_hop(field.id) || named.contains(field); });
}

bool is_protected(std::string_view name) {
  const FieldName id = find_field_name(name);
  return id != kOther ? !is_hop_by_hop(id) : is_listed(name);
}

// `name` is one that CGI (RFC 3875 §4.1.18) cannot tell from a field of the table, or of a list, whose '-' is '_' here.
bool imitates_known(std::string_view name) {
  if (name.find('_') == std::string_view::npos) return false;
  std::string spelled(name);
  std::ranges::replace(spelled, '_', '-');
  return find_field_name(spelled) != kOther || is_listed(spelled);
}

void remove_hop_by_hop_trailers(Fields& trailers) {
  trailers.remove_if([](const Field& field) {
    if (field.id != kOther) return field.id != kEtag;
    if (claims_certificate(field) || imitates_known(field.name)) return true;
    const bool is_made_for_trailers = std::ranges::any_of(
        kTrailerNames, [&field](std::string_view name) { return base::equals_ignoring_case(field.name, name); });
    return !is_made_for_trailers && is_listed(field.name);
  });
}

}  // namespace viaduct::http

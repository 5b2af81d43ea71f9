// SPDX-License-Identifier: Apache-2.0
#include "http/host.h"

#include "base/bytes.h"
#include "base/uri.h"

namespace viaduct::http {

bool is_host(std::string_view text) {
  return base::split_authority(text).has_value();
}

std::expected<std::string_view, Reason> find_authority(const Fields& fields, Version version,
                                                       std::optional<std::string_view> target_authority) {
  const Field* host = nullptr;
  for (const Field& field : fields) {
    if (field.id != FieldName::kHost) continue;
    if (host != nullptr) return std::unexpected(Reason::kInvalidHost);
    host = &field;
  }
  if (host != nullptr && !is_host(host->value)) return std::unexpected(Reason::kInvalidHost);
  if (host == nullptr && version == Version::kHttp11) return std::unexpected(Reason::kMissingHost);
  if (target_authority) {
    if (!is_host(*target_authority)) return std::unexpected(Reason::kInvalidHost);
    const bool differs = host != nullptr && !base::equals_ignoring_case(host->value, *target_authority);
    if (differs && version == Version::kHttp2) return std::unexpected(Reason::kInvalidHost);
    return *target_authority;
  }
  if (host != nullptr) return host->value;
  if (version == Version::kHttp2) return std::unexpected(Reason::kMissingHost);
  return std::string_view{};
}

}  // namespace viaduct::http

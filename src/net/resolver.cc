// SPDX-License-Identifier: Apache-2.0
#include "net/resolver.h"

#include <utility>

namespace viaduct::net {

Resolver::Resolver(Loop& loop, ResolverOptions options, SharedConditions* conditions)
    : channel_(loop, std::move(options.dns)),
      ttl_(options.ttl),
      shared_{.loop = loop, .channel = channel_, .ttl = ttl_, .conditions = conditions} {}

Resolver::~Resolver() = default;

void Resolver::configure(ResolverOptions options) {
  channel_.configure(std::move(options.dns));
  ttl_ = options.ttl;
  for (auto& [name, entries] : names_) {
    std::erase_if(entries, [](const auto& entry) { return entry->is_unused(); });
    for (const auto& entry : entries) entry->retry_soon();
  }
  std::erase_if(names_, [](const auto& named) { return named.second.empty(); });
}

ResolvedName& Resolver::name(const std::string& name, bool is_service, const base::CidrSet& allowed) {
  auto& entries = names_[name];
  for (const auto& entry : entries) {
    if (entry->key().is_service == is_service && entry->key().allowed == allowed) return *entry;
  }
  entries.push_back(
      std::make_unique<ResolvedName>(shared_, NameKey{.name = name, .is_service = is_service, .allowed = allowed}));
  return *entries.back();
}

}  // namespace viaduct::net

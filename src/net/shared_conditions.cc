// SPDX-License-Identifier: Apache-2.0
#include "net/shared_conditions.h"

#include "base/check.h"

namespace viaduct::net {

bool SharedConditions::enter(const std::string& condition) {
  const std::lock_guard lock(mutex_);
  return ++counts_[condition] == 1;
}

bool SharedConditions::leave(const std::string& condition) {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(condition);
  CHECK(found != counts_.end());
  if (--found->second > 0) return false;
  counts_.erase(found);
  return true;
}

}  // namespace viaduct::net

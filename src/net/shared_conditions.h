// SPDX-License-Identifier: Apache-2.0
// Conditions that every worker finds out by itself (a name does not resolve) and the log is to tell of once: it is told
// when the first worker enters one and when the last has left it. Owned by the supervisor; thread-safe; cold paths
// alone.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace viaduct::net {

class SharedConditions {
 public:
  SharedConditions() = default;
  SharedConditions(const SharedConditions&) = delete;
  SharedConditions& operator=(const SharedConditions&) = delete;

  // True when nobody else is in `condition` yet.
  bool enter(const std::string& condition);
  // True when nobody is left in `condition`. REQUIRES: an enter() of the same before.
  bool leave(const std::string& condition);

 private:
  std::mutex mutex_;
  std::map<std::string, std::uint32_t> counts_;  // guarded by mutex_
};

}  // namespace viaduct::net

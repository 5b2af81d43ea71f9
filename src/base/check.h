// SPDX-License-Identifier: Apache-2.0
// CHECK and DCHECK: a broken program stops here, in release builds too (DCHECK: debug builds alone). Never for a broken
// peer, file or kernel: those are values (base/error.h).
#pragma once

namespace viaduct::base {

// Prints the failed condition with its place to standard error and aborts. Safe on any thread.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace viaduct::base

#define CHECK(condition) \
  (__builtin_expect(!!(condition), 1) ? void(0) : ::viaduct::base::check_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define DCHECK(condition) void(sizeof(!(condition)))
#else
#define DCHECK(condition) CHECK(condition)
#endif

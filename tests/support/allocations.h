// SPDX-License-Identifier: Apache-2.0
// Counts what a test program takes from the heap by operator new. A test that names allocations() brings operators that
// count into its program; where a sanitizer has its own, VIADUCT_COUNTS_ALLOCATIONS is not defined and neither are
// these. One thread.
#pragma once

#include <cstddef>

#ifndef __SANITIZE_ADDRESS__
#ifndef __SANITIZE_THREAD__
#define VIADUCT_COUNTS_ALLOCATIONS

namespace viaduct::support {

// Calls of operator new since the program began.
std::size_t allocations();

}  // namespace viaduct::support

#endif
#endif

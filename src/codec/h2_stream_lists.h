// SPDX-License-Identifier: Apache-2.0
// The lists that a stream of H2Server or H2Client is in, as tags of base::ListHook: the codec owns the lists, the
// stream the hooks.
#pragma once

namespace viaduct::codec {

struct H2Open;     // all streams of a connection
struct H2Touched;  // those that have something to be told

}  // namespace viaduct::codec

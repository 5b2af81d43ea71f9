// SPDX-License-Identifier: Apache-2.0
// What a codec waits for and how its connection is to end: the two things that the owner of a connection must know to
// arm timers and to close a transport, the same for every HTTP version and for both sides.
#pragma once

#include <cstdint>

namespace viaduct::codec {

// What the connection waits for. The owner arms its timer by it; which timer is in brackets.
enum class CodecPhase : std::uint8_t {
  kIdle,      // no request is open, no byte of one has come [idle]
  kHead,      // part of a head is here [header]
  kBody,      // body bytes are due that the handler wants, or that are being discarded [body]
  kResponse,  // the handler has the word, or its bytes are on their way out [write, when output() is not empty]
  kTunnel,    // bytes of another protocol pass both ways; who tunnels counts silence [write, as above]
  kClosing,   // nothing more is read; output() is flushed, then the transport ends as ending() says
};

// How the transport is to be closed once output() is empty.
enum class CodecEnding : std::uint8_t {
  kOpen,       // not at all: the connection goes on
  kHalfClose,  // our direction by a proper end, while the other side's goes on: a tunnel that is half closed
  kClose,      // by a proper end (close_notify, FIN)
  kLinger,     // by a proper end of our direction first; the other side may still be sending: read and discard for a
               // bounded time, so that it can read our answer before it sees a reset
  kAbort,  // at once and without a proper end (no close_notify, RST): the other side must see that something is missing
};

}  // namespace viaduct::codec

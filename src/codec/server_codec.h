// SPDX-License-Identifier: Apache-2.0
// The client's side of a connection as its owner (daemon/connection) drives it, the same for every HTTP version: bytes
// in, streams out, no socket, no clock. One worker's thread.
//
// The owner reads bytes into a Buffer of its own and hands it to on_input; what the codec leaves in it is for later. It
// writes what stands in output() and says so by on_output_drained().
//
// Re-entrancy: the codec calls up from inside on_input, on_input_end, on_output_drained and abort, and handlers may
// call any command of http::ServerStream from inside an event. The owner must not call the codec from inside
// on_codec_output or on_codec_resume: it notes the wish and acts before the loop turn ends, so that head and body leave
// in one write. The owner frees a codec by Loop::retire alone: after an event the codec looks at its own state again.
#pragma once

#include <optional>

#include "base/buffer.h"
#include "base/time.h"
#include "codec/codec_phase.h"
#include "http/reason.h"
#include "http/stream.h"

namespace viaduct::codec {

// What a ServerCodec asks of the owner of the connection. Must outlive the codec.
class ServerCodecHandler {
 public:
  // The first byte of a request is here. Returns who gets its events; the reference must stay valid until the terminal
  // event of that stream (http/stream.h), and so must the arena. `stream` is valid from now on; nothing may be sent on
  // it before on_head or on_refused.
  virtual http::StreamHandler& on_stream(http::ServerStream& stream) = 0;
  // output() has bytes to write, or ending() has changed. May come several times before the owner acts.
  virtual void on_codec_output() = 0;
  // wants_input() has become true again outside of on_input: the owner calls on_input with what it holds, be it empty,
  // and then reads on.
  virtual void on_codec_resume() = 0;

 protected:
  ~ServerCodecHandler() = default;
};

class ServerCodec {
 public:
  virtual ~ServerCodec() = default;

  // Consumes what it can of `input` and delivers events. Leaves bytes of later requests in it while a response is under
  // way, and body bytes while the handler does not read. When it returns and wants_input() is false, the owner stops
  // reading (or bounds what it reads ahead) until on_codec_resume.
  virtual void on_input(base::Buffer& input) = 0;
  // No further byte will come from the client: all that came has been through on_input or is still in its buffer.
  // `clean` is false when the end was not a proper one (TLS without close_notify). Over HTTP/1 a request that came
  // whole is still answered. Call at most once.
  virtual void on_input_end(bool clean) = 0;

  // The present: said before each on_input and on_output_drained, and when next_deadline() has passed; then streams
  // that have waited too long for the client end. This is all that a codec knows of time.
  virtual void on_time(base::MonoTime now) = 0;
  // When on_time() has to be called at the latest. Absent where the codec waits for nothing that phase() does not tell:
  // with one request at a time, the owner's timers are enough.
  virtual std::optional<base::MonoTime> next_deadline() const = 0;

  // Serialises what is queued into output(), as far as its bound allows. The owner calls it right before it writes.
  virtual void fill_output() = 0;
  // Bytes to send. The owner drops (or moves out) what the transport took and calls on_output_drained: after every
  // on_codec_output, also when output() was empty already, and after every later write.
  virtual base::Buffer& output() = 0;
  virtual void on_output_drained() = 0;

  // Whether bytes are wanted now.
  virtual bool wants_input() const = 0;
  virtual CodecPhase phase() const = 0;
  // Not kOpen: once output() is empty (kAbort: at once) the owner ends the transport in that way.
  virtual CodecEnding ending() const = 0;
  // The only answer under way is complete in output(), or has left it: then on_output_drained() ends its exchange.
  virtual bool is_answer_whole() const { return false; }
  // Why the codec ended the connection by itself; kNone where it did not, or where a request's handler was told.
  virtual http::Reason failure() const = 0;

  // Graceful end: an idle connection ends now, a busy one after the response under way, which says so to the client.
  virtual void begin_drain() = 0;
  // The same, but an idle connection waits: a request that the client may be sending at this moment is still answered,
  // and told that it was the last. begin_drain() may follow, for those that stay idle.
  virtual void begin_patient_drain() = 0;
  // A timeout of the owner or an error of the transport. Where the client can still be answered (kHeaderTimeout,
  // kBodyTimeout, kRateTooLow before a response has begun) the handler gets on_refused, else on_reset; ending()
  // follows. kClientClosed is for a transport that is broken: nothing is sent any more.
  virtual void abort(http::Reason reason) = 0;
};

}  // namespace viaduct::codec

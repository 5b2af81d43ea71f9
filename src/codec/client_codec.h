// SPDX-License-Identifier: Apache-2.0
// The upstream's side of a connection as its owner (upstream/client_connection) drives it, the same for every HTTP
// version: bytes in, responses out, no socket, no clock. One worker's thread. Buffers, re-entrancy and lifetime are as
// in codec/server_codec.h: the owner never calls the codec from inside on_codec_output, on_codec_resume or
// on_codec_stream_end (begin() from on_codec_stream_end alone is allowed), and frees it by Loop::retire.
#pragma once

#include <optional>
#include <string_view>

#include "base/buffer.h"
#include "base/time.h"
#include "codec/codec_phase.h"
#include "http/reason.h"
#include "http/stream.h"

namespace viaduct::codec {

// What a ClientCodec asks of the owner of the connection. Must outlive the codec.
class ClientCodecHandler {
 public:
  // output() has bytes to write, or ending() has changed.
  virtual void on_codec_output() = 0;
  // wants_input() has become true again outside of on_input: the owner calls on_input with what it holds, be it empty,
  // and then reads on.
  virtual void on_codec_resume() = 0;
  // A request is over, in whatever way. Comes right before the handler's terminal event (and after reset(), which has
  // none), so that reusable() connections are back in the pool when the handler acts. ending() tells the others.
  virtual void on_codec_stream_end() = 0;

 protected:
  ~ClientCodecHandler() = default;
};

// How long a request may wait for its server. Absent: no limit. http::ClientStream::set_read_limit changes `read`.
struct WaitLimits {
  std::optional<base::Duration> send{};  // between two writes while bytes are waiting to go
  std::optional<base::Duration> read{};  // between two reads while an answer is due
};

class ClientCodec {
 public:
  virtual ~ClientCodec() = default;

  // Whether begin() may be called: the connection is open and has room for a request.
  virtual bool reusable() const = 0;
  // Begins a request. `handler` gets its events and must stay valid until its terminal event or until reset() of the
  // stream returned, which is valid as long. `limits` are the codec's to hold where several requests share the
  // connection (next_deadline()); else the owner holds it to limits(). REQUIRES: reusable().
  virtual http::ClientStream& begin(http::ResponseHandler& handler, const WaitLimits& limits) = 0;
  // Those of the request that has the connection to itself, or had it last; none where several share it. The owner
  // asks each time it has called the codec.
  virtual WaitLimits limits() const = 0;

  // Consumes what it can of `input` and delivers events; leaves body bytes in it while the handler does not read. Bytes
  // that nobody asked for end the connection.
  virtual void on_input(base::Buffer& input) = 0;
  // No further byte will come: all that came has been through on_input or is still in its buffer. A body that lasts
  // until the connection closes is whole only when the end is `clean` (FIN; under TLS: close_notify). Call at most
  // once.
  virtual void on_input_end(bool clean) = 0;

  // As in codec/server_codec.h.
  virtual void on_time(base::MonoTime now) = 0;
  virtual std::optional<base::MonoTime> next_deadline() const = 0;

  virtual void fill_output() = 0;
  // Bytes to send. The owner drops (or moves out) what the transport took and calls on_output_drained: after every
  // on_codec_output, also when output() was empty already, and after every later write. Where the transport took
  // nothing, it calls on_output_blocked instead, so that streams know since when they wait.
  virtual base::Buffer& output() = 0;
  virtual void on_output_drained() = 0;
  virtual void on_output_blocked() {}

  virtual bool wants_input() const = 0;
  // kIdle: no request. kHead: a response head is due. kBody: response body bytes are due that the handler wants.
  // kResponse: the handler has the word (it sends, or does not read). kTunnel: 101 has come; no byte is due.
  virtual CodecPhase phase() const = 0;
  virtual CodecEnding ending() const = 0;
  // What the server did to the connection as a whole, for which it ends: a word for the log as that of
  // http::ResponseHandler::on_response_reset. Empty where there was nothing.
  virtual std::string_view fault() const { return {}; }

  // A timeout of the owner or an error of the transport: open requests end by on_response_reset(reason, answered).
  // Where none is open, what stands in output() is dropped.
  virtual void abort(http::Reason reason) = 0;
};

}  // namespace viaduct::codec

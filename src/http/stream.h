// SPDX-License-Identifier: Apache-2.0
// Where the HTTP versions meet. A codec turns the bytes of one connection into streams; a stream carries one request
// and its response. On the client's side the codec implements ServerStream and calls a StreamHandler; on the upstream's
// side it implements ClientStream and calls a ResponseHandler. Nothing above codec/ knows which version it talks to.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/buffer.h"
#include "base/time.h"
#include "http/message.h"
#include "http/reason.h"

namespace viaduct::http {

// Order of events, client's side:  on_head (on_body)* [on_trailers] then nothing more from the request, or on_reset at
// any time. `end` on on_head or on_body says that nothing follows; a request with trailers ends by on_trailers.
// Order of commands:  send_informational* send_head (send_body)* [send_trailers], or reset at any time.
//
// Tunnels (RFC 9110 §7.8, RFC 8441): a request head whose `protocol` is not empty asks for one and comes with `end`.
// Only to such a request may the final response be 101, sent with `end` false. From then on both directions carry bytes
// of that protocol as on_body and send_body, each ended by its own `end`; reading begins off again. Any other status
// answers as to any request. Over HTTP/2 the codec makes the 200 of an extended CONNECT of the 101. On the upstream's
// side the same holds mirrored: send_head with a `protocol` and `end`, then on_response_head with 101 or an ordinary
// answer; behind 101 reading goes on, and no read limit counts.
//
// Backpressure: a handler that cannot take more calls set_reading(false); at most one more on_body follows. A handler
// that sends asks writable_bytes() first; when it is 0 it stops and waits for on_writable.
//
// Lifetime: a stream is valid from on_head until its terminal event: on_reset, or on_stream_end, which the codec calls
// once both directions are complete. After a terminal event, and after reset(), the handler must not touch the stream.
// A handler is detached by its own terminal event and freed by Loop::retire, never inside a callback.

// ---- the client's side ----------------------------------------------------------------------------------------------

// One request as a codec delivers it. Implemented by exchange/exchange. Every event may be the last one; after it has
// called up, a codec touches the stream again only if it is still there.
class StreamHandler {
 public:
  // The arena that holds the texts of this exchange; the codec builds the head in it.
  virtual base::Arena& arena() = 0;
  // Called once. The handler owns `head` from now on (it lives in the arena).
  virtual void on_head(RequestHead& head, bool end) = 0;
  // The request was refused while it was parsed; called instead of on_head, with what could be read of the head. The
  // handler answers and the codec closes the connection behind the answer. After on_head: the body was refused. With
  // kClientClosed the client took the request back before it was told here: nothing is answered, and on_reset follows.
  virtual void on_refused(RequestHead& head, Reason reason) = 0;
  // Takes all bytes of `body`. May be called with an empty body when `end` is true.
  virtual void on_body(base::Buffer& body, bool end) = 0;
  // Ends the request with trailer fields (RFC 9110 §6.5).
  virtual void on_trailers(Fields& trailers) = 0;
  // There is room again after writable_bytes() was 0.
  virtual void on_writable() = 0;
  // Terminal: the client went away, stopped reading or broke the protocol.
  virtual void on_reset(Reason reason) = 0;
  // Terminal: request and response are complete, and the response's bytes are handed to the transport.
  virtual void on_stream_end() = 0;

 protected:
  ~StreamHandler() = default;
};

// Sends one response. Implemented by codec/h1_server and codec/h2_server_stream.
class ServerStream {
 public:
  // An interim response: 100, 102 or 103 (RFC 9110 §15.2). Left out where the client cannot take it (HTTP/1.0).
  virtual void send_informational(const ResponseHead& head) = 0;
  // The final response. `head.body` says how it will be framed; `end` that no body follows. A body for a HEAD request
  // or a 204 or 304 must not be sent.
  virtual void send_head(const ResponseHead& head, bool end) = 0;
  // Moves all bytes out of `body`. With a sized body the total must match; the codec resets the stream where it does
  // not.
  virtual void send_body(base::Buffer& body, bool end) = 0;
  // Ends the response with trailers, dropped where the framing has no room for them.
  virtual void send_trailers(const Fields& trailers) = 0;
  // Cuts the response so that the client can see that it is not complete. No event follows.
  virtual void reset() = 0;
  // False: deliver no more of the request body. True, also the first time it is said: the handler wants the body, so
  // that 100 (Continue) is due if it was expected. A stream begins with reading off.
  virtual void set_reading(bool reading) = 0;
  // True: the rest of the request may come as slowly as it likes, since the handler counts how long both sides are
  // silent. A stream begins with false.
  virtual void set_patient(bool patient) = 0;
  // How many bytes may be sent now before on_writable is needed; 0 means wait.
  virtual std::size_t writable_bytes() const = 0;

 protected:
  ~ServerStream() = default;
};

// ---- the upstream's side --------------------------------------------------------------------------------------------

// One response as a codec delivers it. Implemented by action/proxy_run.
class ResponseHandler {
 public:
  // Holds the texts of the response head.
  virtual base::Arena& arena() = 0;
  virtual void on_informational(ResponseHead& head) = 0;
  virtual void on_response_head(ResponseHead& head, bool end) = 0;
  virtual void on_response_body(base::Buffer& body, bool end) = 0;
  virtual void on_response_trailers(Fields& trailers) = 0;
  // There is room again for request body bytes.
  virtual void on_request_writable() = 0;
  // Terminal: the attempt failed for `reason`. Where nothing of an answer had come, `answered` is false. `detail`: a
  // word for the log that says what was wrong with an invalid answer; never bytes of the server, valid for ever, and
  // empty where the reason says all.
  virtual void on_response_reset(Reason reason, bool answered, std::string_view detail) = 0;
  // Terminal: request and response are complete; the connection has been given back.
  virtual void on_response_end() = 0;

 protected:
  ~ResponseHandler() = default;
};

// Sends one request. Implemented by codec/h1_client and codec/h2_client_stream.
class ClientStream {
 public:
  virtual void send_head(const RequestHead& head, bool end) = 0;
  virtual void send_body(base::Buffer& body, bool end) = 0;
  virtual void send_trailers(const Fields& trailers) = 0;
  // Gives the request up: nothing more is sent or delivered. The connection is closed if it cannot be reused.
  virtual void reset() = 0;
  // False: deliver no more of the response body until true again. A stream begins with reading on.
  virtual void set_reading(bool reading) = 0;
  // How long the server may be silent from now on while the handler wants its bytes, in the place of the limit that
  // the request began with; absent: no limit. For answers whose head says that their silence means nothing.
  virtual void set_read_limit(std::optional<base::Duration> limit) = 0;
  virtual std::size_t writable_bytes() const = 0;

 protected:
  ~ClientStream() = default;
};

}  // namespace viaduct::http

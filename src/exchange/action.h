// SPDX-License-Identifier: Apache-2.0
// What a route does with a request. An Action is made once from the config and shared by all workers; for each exchange
// it begins an ActionRun, which lives in the exchange's arena and gives the answer through the Exchange.
#pragma once

#include "base/arena.h"
#include "http/stream.h"

namespace viaduct::exchange {

class Exchange;

// One request in the hands of its action. Events come from the exchange, in the order of http/stream.h.
class ActionRun {
 public:
  virtual ~ActionRun() = default;

  // The head has passed all filters. `end`: the request has no body.
  virtual void start(bool end) = 0;
  // Takes all bytes of `body`. Comes only after Exchange::read_request(true).
  virtual void on_request_body(base::Buffer& body, bool end) = 0;
  virtual void on_request_trailers(http::Fields& trailers) = 0;
  // There is room again in the client's direction.
  virtual void on_client_writable() = 0;
  // The exchange is over for its client, who is gone or has an answer by somebody else. Whatever is under way for it is
  // given up here, unless the run goes on. May be said more than once.
  virtual void on_exchange_over() = 0;
  // The answer went out as a whole, and the client was gone by then. on_exchange_over() follows.
  virtual void on_answer_lost() {}
  // Whether the run goes on behind on_exchange_over(), when nobody is there any more who takes an answer. It gets no
  // further event but on_worker_stop(), and ends by Exchange::end_run_on().
  virtual bool runs_on() const { return false; }
  // The worker ends: a run that goes on is given up and ends now.
  virtual void on_worker_stop() {}
};

// Immutable and shared by all workers.
class Action {
 public:
  virtual ~Action() = default;
  // Makes the run for one exchange, in its arena.
  virtual base::ArenaPtr<ActionRun> begin(Exchange& exchange) const = 0;
};

}  // namespace viaduct::exchange

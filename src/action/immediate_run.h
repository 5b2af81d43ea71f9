// SPDX-License-Identifier: Apache-2.0
// The base of runs that answer from start() and want nothing of the request's body: what still comes of it is
// dropped. Lives in the exchange's arena, in its worker's thread.
#pragma once

#include "exchange/action.h"

namespace viaduct::action {

class ImmediateRun : public exchange::ActionRun {
 public:
  void on_request_body(base::Buffer& body, bool) override { body.clear(); }
  void on_request_trailers(http::Fields&) override {}
  void on_client_writable() override {}
  void on_exchange_over() override {}
};

}  // namespace viaduct::action

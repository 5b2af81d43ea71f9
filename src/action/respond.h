// SPDX-License-Identifier: Apache-2.0
// The action that answers with a fixed text from the config, whatever the request is.
// Immutable; shared by all workers.
#pragma once

#include "config/types.h"
#include "exchange/action.h"

namespace viaduct::action {

class Respond final : public exchange::Action {
 public:
  explicit Respond(config::RespondAction config) : config_(std::move(config)) {}
  base::ArenaPtr<exchange::ActionRun> begin(exchange::Exchange& exchange) const override;

 private:
  config::RespondAction config_;
};

}  // namespace viaduct::action

// SPDX-License-Identifier: Apache-2.0
// The action that sends a client elsewhere (RFC 9110 §15.4): one status, and an address with request variables in it.
// Immutable; shared by all workers.
#pragma once

#include "config/types.h"
#include "exchange/action.h"
#include "exchange/text_template.h"

namespace viaduct::action {

class Redirect final : public exchange::Action {
 public:
  // Fails when the address names an unknown variable.
  static base::Result<std::unique_ptr<Redirect>> make(const config::RedirectAction& config);
  base::ArenaPtr<exchange::ActionRun> begin(exchange::Exchange& exchange) const override;

 private:
  exchange::TextTemplate to_;
  std::uint16_t status_ = 302;
};

}  // namespace viaduct::action

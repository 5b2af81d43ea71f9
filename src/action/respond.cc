// SPDX-License-Identifier: Apache-2.0
#include "action/respond.h"

#include "action/immediate_run.h"
#include "exchange/exchange.h"

namespace viaduct::action {
namespace {

class RespondRun final : public ImmediateRun {
 public:
  RespondRun(exchange::Exchange& exchange, const config::RespondAction& config)
      : exchange_(exchange), config_(config) {}

  void start(bool) override {
    exchange_.respond(
        {.status = config_.status, .content_type = config_.content_type, .body = config_.body, .fields = {}});
  }

 private:
  exchange::Exchange& exchange_;
  const config::RespondAction& config_;
};

}  // namespace

base::ArenaPtr<exchange::ActionRun> Respond::begin(exchange::Exchange& exchange) const {
  return exchange.arena().make_owned<RespondRun>(exchange, config_);
}

}  // namespace viaduct::action

// SPDX-License-Identifier: Apache-2.0
#include "action/redirect.h"

#include "action/immediate_run.h"

namespace viaduct::action {
namespace {

class RedirectRun final : public ImmediateRun {
 public:
  RedirectRun(exchange::Exchange& exchange, const TextTemplate& to, int status)
      : exchange_(exchange), to_(to), status_(status) {}

  void start(bool) override {
    const exchange::ReplyField location{.id = http::FieldName::kLocation, .value = to_.fill(exchange_)};
    exchange_.respond({.status = status_, .content_type = {}, .body = {}, .fields = std::span(&location, 1)});
  }

 private:
  exchange::Exchange& exchange_;
  const TextTemplate& to_;
  int status_;
};

}  // namespace

base::Result<std::unique_ptr<Redirect>> Redirect::make(const config::RedirectAction& config) {
  auto to = TextTemplate::parse(config.to);
  if (!to) return std::unexpected(std::move(to).error());
  auto made = std::make_unique<Redirect>();
  made->to_ = std::move(*to);
  made->status_ = config.status;
  return made;
}

base::ArenaPtr<exchange::ActionRun> Redirect::begin(exchange::Exchange& exchange) const {
  return exchange.arena().make_owned<RedirectRun>(exchange, to_, status_);
}

}  // namespace viaduct::action

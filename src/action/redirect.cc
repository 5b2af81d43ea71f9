// SPDX-License-Identifier: Apache-2.0
#include "action/redirect.h"

#include <algorithm>

#include "action/immediate_run.h"

namespace viaduct::action {
namespace {

// Two slashes at the start of an address, of which browsers take a backslash for one, name a host. Where the config
// names none, the request must not: one slash is left of them.
std::string_view without_host(std::string_view location, base::Arena& arena) {
  const std::size_t slashes = std::min(location.find_first_not_of("/\\"), location.size());
  return slashes < 2 ? location : arena.append(arena.copy("/"), location.substr(slashes));
}

class RedirectRun final : public ImmediateRun {
 public:
  RedirectRun(exchange::Exchange& exchange, const exchange::TextTemplate& to, int status)
      : exchange_(exchange), to_(to), status_(status) {}

  void start(bool) override {
    const std::string_view to = to_.fill(exchange_, exchange_.request().target);
    const exchange::ReplyField location{.id = http::FieldName::kLocation, .value = without_host(to, exchange_.arena())};
    exchange_.respond({.status = status_, .content_type = {}, .body = {}, .fields = std::span(&location, 1)});
  }

 private:
  exchange::Exchange& exchange_;
  const exchange::TextTemplate& to_;
  int status_;
};

}  // namespace

base::Result<std::unique_ptr<Redirect>> Redirect::make(const config::RedirectAction& config) {
  auto to = exchange::TextTemplate::parse(config.to);
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

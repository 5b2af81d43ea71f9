// SPDX-License-Identifier: Apache-2.0
// Everything around an exchange, in a few words: a loop whose clock the test moves, one site with routes made of
// structs, plans that the test fills with the filters and the action it is about, upstreams, an access log, and
// requests that come in as a codec would deliver them. Nothing of daemon/. One thread.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log_sink.h"
#include "exchange/exchange.h"
#include "net/resolver.h"
#include "observe/access_log.h"
#include "os/file_cache.h"
#include "support/captured_response.h"
#include "support/manual_clock.h"
#include "support/temporary_directory.h"
#include "upstream/registry.h"

namespace viaduct::support {

class ExchangeScene final : private exchange::ExchangeOwner {
 public:
  // A request head as a codec delivers it. Without a Host in `fields` the authority becomes one.
  struct Request {
    std::string_view method = "GET";
    std::string_view target = "/";
    std::vector<std::pair<std::string_view, std::string_view>> fields = {};
    http::BodySize body = {};  // kNone: the request ends with its head
    std::string_view authority = "host.test";
    http::Version version = http::Version::kHttp11;
    std::string_view protocol = {};  // of a tunnel that is asked for
  };

  // One exchange, seen from the client's codec.
  class Call {
   public:
    explicit Call(ExchangeScene& scene) : scene_(scene) {}

    CapturedResponse response;
    std::unique_ptr<exchange::Exchange> exchange;  // null once it is over and freed
    bool has_ended = false;                        // by send_body

    void send_body(std::string_view bytes, bool end);
    void send_trailers(const std::vector<std::pair<std::string_view, std::string_view>>& lines);
    // Gives room for `bytes` of the response and tells the exchange.
    void make_room(std::size_t bytes);
    // The client's connection ends. The exchange is freed when this returns.
    void go_away(http::Reason reason = http::Reason::kClientClosed);

   private:
    friend class ExchangeScene;

    ExchangeScene& scene_;
    http::RequestHead* head_ = nullptr;
  };

  // `log_line` is the template of the lines that log() returns.
  explicit ExchangeScene(std::string_view log_line = "${status} ${reason}");
  ~ExchangeScene();
  ExchangeScene(const ExchangeScene&) = delete;
  ExchangeScene& operator=(const ExchangeScene&) = delete;

  ManualClock clock;
  codec::H2Library h2_library;  // outlives the connections that the loop frees last
  net::Loop loop{clock};
  config::Config config;  // one default site, host.test, without routes
  exchange::ClientInfo client;
  observe::Counters counters;
  observe::RouteStats route_stats;
  bool drains = true;  // turn() makes room where a response has none

  // Adds a route to the site and returns its plan, to be filled with filters and an action.
  exchange::RoutePlan& add_route(config::Route route);
  // The same for a route called "all" that takes every path.
  exchange::RoutePlan& add_route();
  config::Site& site() { return config.sites[0]; }

  // A request comes in. The first one builds the snapshot from what has been added; REQUIRES: every plan has an action.
  Call& call(const Request& request);
  Call& call(std::string_view method, std::string_view target) { return call({.method = method, .target = target}); }
  // The first byte of a request has come.
  Call& begin(const Request& request) { return make_call(request); }
  // A codec refuses a request while it reads it.
  Call& refuse(const Request& request, http::Reason reason);
  // A body of a request whose head was taken is refused.
  void refuse_body(Call& call, http::Reason reason);

  // Ends complete responses, makes room and turns the loop, without waiting.
  void turn();
  // The same, waiting, until `is_done()`; a failure of the test when that does not come.
  template <typename IsDone>
  bool run_until(IsDone is_done);
  // Lets time pass.
  void pass(base::Duration duration);

  // The lines of the access log so far, joined by "|".
  std::string log();
  upstream::Upstream& upstream(std::size_t index = 0) { return *registry_.current()[index]; }
  exchange::Services& services() { return services_; }
  // Builds the snapshot that call() would build.
  void publish();
  // Exchanges that are not freed.
  std::size_t alive() const;
  // The same without a client, and their end.
  bool has_run_on() const { return !running_on_.empty(); }
  void stop_run_on();

 private:
  void free_exchange(exchange::Exchange& exchange) override;
  void on_run_on(exchange::Exchange& exchange) override { running_on_.push_back(exchange); }
  Call& make_call(const Request& request);

  // What a connection does when bytes have come.
  class Read final : public net::ReadEnd {
   public:
    void on_read_end() override {}
  };

  TemporaryDirectory directory_;
  std::unique_ptr<base::LogSink> sink_;
  observe::AccessLog access_log_;
  base::Random random_;
  os::FileCache files_{loop.chunks()};
  exchange::PasswordChecker passwords_{loop};
  net::Resolver resolver_{loop};
  Read read_;
  upstream::StateTable states_;
  upstream::Registry registry_{{.loop = loop, .resolver = resolver_, .h2_library = h2_library, .states = states_}};
  exchange::Services services_;
  std::deque<exchange::RoutePlan> plans_;
  std::list<Call> calls_;
  base::IntrusiveList<exchange::Exchange, exchange::Exchange> running_on_;
};

}  // namespace viaduct::support

#include "support/wait_until.h"

namespace viaduct::support {

template <typename IsDone>
bool ExchangeScene::run_until(IsDone is_done) {
  return wait_until(loop, [&] {
    turn();
    return is_done();
  });
}

}  // namespace viaduct::support

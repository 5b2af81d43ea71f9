// SPDX-License-Identifier: Apache-2.0
#include "support/exchange_scene.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/bytes.h"

namespace viaduct::support {
namespace {

observe::AccessLogOptions log_options(std::string_view line) {
  auto format = observe::LineFormat::from_template(line);
  EXPECT_TRUE(format.has_value()) << line;
  return {.format = std::move(*format), .query = observe::QueryLogging::kFull};
}

std::unique_ptr<base::LogSink> open_sink(const TemporaryDirectory& directory) {
  auto sink = base::LogSink::open(directory / "access.log");
  EXPECT_TRUE(sink.has_value());
  return std::move(*sink);
}

}  // namespace

// ---- one call -------------------------------------------------------------------------------------------------------

void ExchangeScene::Call::send_body(std::string_view bytes, bool end) {
  ASSERT_NE(exchange, nullptr) << "the exchange is over";
  base::Buffer body(scene_.loop.chunks());
  body.append(bytes);
  has_ended = end;
  exchange->on_body(body, end);
  EXPECT_TRUE(body.empty()) << "on_body takes all bytes";
}

void ExchangeScene::Call::send_trailers(const std::vector<std::pair<std::string_view, std::string_view>>& lines) {
  ASSERT_NE(exchange, nullptr) << "the exchange is over";
  auto& trailers = *exchange->arena().make<http::Fields>(exchange->arena());
  for (const auto& [name, value] : lines) trailers.add(name, value);
  exchange->on_trailers(trailers);
}

void ExchangeScene::Call::make_room(std::size_t bytes) {
  ASSERT_NE(exchange, nullptr) << "the exchange is over";
  response.room = bytes;
  exchange->on_writable();
}

void ExchangeScene::Call::go_away(http::Reason reason) {
  ASSERT_NE(exchange, nullptr) << "the exchange is over";
  exchange->on_reset(reason);
  scene_.turn();
}

// ---- the scene ------------------------------------------------------------------------------------------------------

ExchangeScene::ExchangeScene(std::string_view log_line)
    : sink_(open_sink(directory_)),
      access_log_(log_options(log_line), sink_.get()),
      services_{.loop = loop,
                .access_log = access_log_,
                .counters = counters,
                .route_stats = route_stats,
                .random = random_,
                .files = files_,
                .passwords = passwords_,
                .owner = *this} {
  client.peer = base::SocketAddress(*base::IpAddress::parse("192.0.2.7"), 40000);
  client.local = base::SocketAddress(*base::IpAddress::parse("192.0.2.1"), 80);
  config::Site& site = config.sites.emplace_back();
  site.hosts = {"host.test"};
  site.is_default = true;
}

ExchangeScene::~ExchangeScene() {
  for (Call& call : calls_) {
    const bool is_under_way = call.exchange != nullptr && !call.exchange->is_over();
    if (is_under_way) call.exchange->on_reset(http::Reason::kClientClosed);
  }
  stop_run_on();
  settle(loop);
  EXPECT_EQ(alive(), 0u) << "exchanges that never ended";
}

void ExchangeScene::stop_run_on() {
  while (!running_on_.empty()) running_on_.front().stop_run_on();
}

exchange::RoutePlan& ExchangeScene::add_route(config::Route route) {
  site().routes.push_back(std::move(route));
  return plans_.emplace_back();
}

exchange::RoutePlan& ExchangeScene::add_route() {
  config::Route route;
  route.name = "all";
  route.match.prefix = {"/"};
  return add_route(std::move(route));
}

void ExchangeScene::publish() {
  auto snapshot = std::make_shared<exchange::Snapshot>();
  snapshot->version = 1;
  snapshot->config = std::make_unique<const config::Config>(config);
  auto router = route::Router::build(*snapshot->config);
  ASSERT_TRUE(router.has_value()) << router.error().message;
  snapshot->router = std::make_unique<const route::Router>(std::move(*router));
  snapshot->plans.resize(plans_.size());
  for (std::uint32_t i = 0; i < plans_.size(); ++i) {
    ASSERT_NE(plans_[i].action, nullptr);
    snapshot->plans[i] = std::move(plans_[i]);
    snapshot->plans[i].route = &snapshot->config->sites[0].routes[i];
  }
  // Tests name authorities by the files that they would be in.
  for (const config::Site& one : snapshot->config->sites) snapshot->site_authorities.push_back(one.client_ca);
  const auto adopted = registry_.adopt(config.upstreams);
  ASSERT_TRUE(adopted.has_value()) << adopted.error().message;
  services_.serving = std::make_shared<exchange::Serving>(
      exchange::Serving{.snapshot = std::move(snapshot), .upstreams = registry_.select()});
}

ExchangeScene::Call& ExchangeScene::make_call(const Request& request) {
  loop.at_read_end(read_);
  if (services_.serving == nullptr) publish();
  Call& call = calls_.emplace_back(*this);
  call.exchange = std::make_unique<exchange::Exchange>(services_, client, call.response);
  base::Arena& arena = call.exchange->arena();
  http::RequestHead& head = *arena.make<http::RequestHead>(arena);
  head.method = http::parse_method(request.method);
  head.method_text = arena.copy(request.method);
  head.target = arena.copy(request.target);
  head.authority = arena.copy(request.authority);
  head.version = request.version;
  head.protocol = request.protocol;
  head.body = request.body;
  const auto names_host = [](const auto& field) { return base::equals_ignoring_case(field.first, "Host"); };
  if (!request.authority.empty() && std::ranges::none_of(request.fields, names_host)) {
    head.fields.add(http::FieldName::kHost, request.authority);
  }
  for (const auto& [name, value] : request.fields) head.fields.add(name, value);
  call.head_ = &head;
  return call;
}

ExchangeScene::Call& ExchangeScene::call(const Request& request) {
  Call& call = make_call(request);
  const bool is_empty = request.body.kind == http::BodyKind::kSized && request.body.bytes == 0;
  call.exchange->on_head(*call.head_, request.body.kind == http::BodyKind::kNone || is_empty);
  return call;
}

ExchangeScene::Call& ExchangeScene::refuse(const Request& request, http::Reason reason) {
  Call& call = make_call(request);
  call.exchange->on_refused(*call.head_, reason);
  return call;
}

void ExchangeScene::refuse_body(Call& call, http::Reason reason) {
  ASSERT_NE(call.exchange, nullptr);
  call.exchange->on_refused(*call.head_, reason);
}

void ExchangeScene::turn() {
  for (Call& call : calls_) {
    if (call.exchange == nullptr || call.exchange->is_over()) continue;
    if (drains && call.response.room == 0 && !call.response.is_complete) call.make_room(CapturedResponse::kRoom);
    // A tunnel ends when both directions have.
    const bool has_ended = call.response.status != 101 || call.has_ended;
    if (call.response.is_complete && has_ended) call.exchange->on_stream_end();
  }
  settle(loop);
}

void ExchangeScene::pass(base::Duration duration) {
  turn();
  pass_time(loop, clock, duration);
  turn();
}

std::string ExchangeScene::log() {
  access_log_.flush();
  std::string text = file_bytes(directory_ / "access.log");
  if (text.ends_with('\n')) text.pop_back();
  std::ranges::replace(text, '\n', '|');
  return text;
}

std::size_t ExchangeScene::alive() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(calls_, [](const Call& call) { return call.exchange != nullptr; }));
}

void ExchangeScene::free_exchange(exchange::Exchange& exchange) {
  for (Call& call : calls_) {
    if (call.exchange.get() == &exchange) call.exchange.reset();
  }
}

}  // namespace viaduct::support

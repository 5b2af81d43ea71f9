// SPDX-License-Identifier: Apache-2.0
// Load over HTTP/1.1 in the shapes that common generators lack: at a fixed rate, by handshakes, with idle connections.
//
//   bench_load --port N [--mode requests]   every connection sends its next request when it has its answer
//   bench_load --port N --mode rate         so many requests a second, evenly; latency counts from the moment a
//                                           request was due, so that a stalled server is not asked less
//   bench_load --port N --mode handshakes   a connection for each request; --resume uses the newest session
//   bench_load --port N --mode idle         connections that have had one answer and are held until stdin ends
//
//   --tls  --tls-version 1.2|1.3  --name SNI  --path /  --body-bytes N (POST)  --connections 32  --seconds 3
//   --warm-up 0 (seconds)  --rate 1000 (a second)
//
// It prints "begin" when all connections are open and warm, and "end" with one line of JSON when the time is over:
// who measures reads the CPU time of the server at these two moments, so that opening connections is not counted.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "load_client.h"
#include "wire.h"

namespace viaduct::bench {
namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// Connections that are being opened at once; more would overrun the queue of a listening socket.
constexpr std::uint32_t kOpeningMax = 64;

// Time in which all connections must have had their first answer.
constexpr seconds kOpeningTime(60);

enum class Mode { kRequests, kRate, kHandshakes, kIdle };

Mode mode_of(const std::string& name) {
  if (name == "requests") return Mode::kRequests;
  if (name == "rate") return Mode::kRate;
  if (name == "handshakes") return Mode::kHandshakes;
  if (name == "idle") return Mode::kIdle;
  errno = 0;
  fail("unknown mode " + name);
}

std::string request_of(const Options& options) {
  const std::uint32_t body_bytes = options.number("body-bytes");
  std::string head = (body_bytes > 0 ? "POST " : "GET ") + options.text("path") +
                     " HTTP/1.1\r\nHost: " + options.text("name") +
                     "\r\nUser-Agent: bench\r\nOrigin: https://app.example\r\n";
  if (body_bytes == 0) return head + "\r\n";
  // The shape of a notice of a payment platform.
  const std::string begin = "<xml><return_code>SUCCESS</return_code><attach>";
  const std::string end = "</attach></xml>";
  const std::size_t filling = body_bytes - std::min<std::size_t>(body_bytes, begin.size() + end.size());
  head +=
      "Content-Type: text/xml\r\nContent-Length: " + std::to_string(begin.size() + filling + end.size()) + "\r\n\r\n";
  return head + begin + std::string(filling, 'x') + end;
}

class Run final : public ClientEvents {
 public:
  explicit Run(const Options& options);
  void run();
  void on_answer(Client& client, Clock::duration latency) override;
  void on_closed(Client& client) override;

 private:
  void open_more();
  void begin();
  void send_all_free();
  void send_due();
  void report() const;
  std::uint64_t moved_bytes() const;
  Clock::time_point next_deadline() const;

  const Mode mode_;
  const std::uint32_t connections_;
  const nanoseconds warm_up_;
  const nanoseconds duration_;
  const nanoseconds interval_;  // between two requests of Mode::kRate
  Target target_;
  Loop loop_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::uint32_t opened_ = 0;  // clients that have had their first answer
  Clock::time_point opening_end_ = Clock::now() + kOpeningTime;
  Clock::time_point begin_ = Clock::time_point::max();
  Clock::time_point end_ = Clock::time_point::max();
  bool is_counting_ = false;
  bool is_over_ = false;

  std::vector<Client*> free_;  // open, and without a request
  // Mode::kRate
  Clock::time_point next_due_ = Clock::time_point::max();
  std::deque<Clock::time_point> overdue_;  // no connection was free

  std::vector<std::uint32_t> latencies_ns_;  // while counting
  std::uint64_t resumed_ = 0;
  std::uint64_t closed_ = 0;
  std::uint64_t bytes_before_ = 0;
};

Run::Run(const Options& options)
    : mode_(mode_of(options.text("mode"))),
      connections_(options.number("connections")),
      warm_up_(std::chrono::milliseconds(std::lround(1000 * std::strtod(options.text("warm-up").c_str(), nullptr)))),
      duration_(std::chrono::milliseconds(std::lround(1000 * std::strtod(options.text("seconds").c_str(), nullptr)))),
      interval_(nanoseconds(seconds(1)) / std::max(1U, options.number("rate"))) {
  target_.port = options.number("port");
  target_.name = options.text("name");
  target_.request = request_of(options);
  target_.resumes = options.is_set("resume");
  if (options.is_set("tls")) target_.context = make_load_context(target_, options.text("tls-version"));
}

void Run::open_more() {
  while (clients_.size() < connections_ && clients_.size() - opened_ < kOpeningMax) {
    clients_.push_back(std::make_unique<Client>(loop_, target_, *this, static_cast<std::uint32_t>(clients_.size())));
    clients_.back()->open();
  }
}

void Run::on_answer(Client& client, Clock::duration latency) {
  if (is_counting_) {
    latencies_ns_.push_back(
        static_cast<std::uint32_t>(std::min<std::int64_t>(duration_cast<nanoseconds>(latency).count(), UINT32_MAX)));
    if (client.was_resumed()) ++resumed_;
  }
  if (client.answers() == 1 && ++opened_ == connections_) {
    opening_end_ = Clock::time_point::max();
    begin_ = Clock::now() + warm_up_;
    if (mode_ == Mode::kRequests) send_all_free();
  }
  if (is_over_) return;
  switch (mode_) {
    case Mode::kRequests:
      // Thousands of busy connections would leave the server little time to accept the rest.
      if (opened_ < connections_) return free_.push_back(&client);
      return client.send(Clock::now());
    case Mode::kHandshakes: client.close(); return client.open();
    case Mode::kRate:
      if (overdue_.empty()) return free_.push_back(&client);
      client.send(overdue_.front());
      return overdue_.pop_front();
    case Mode::kIdle: return;
  }
}

void Run::on_closed(Client& /*client*/) {
  errno = 0;
  if (mode_ != Mode::kIdle) fail("the server closed a connection between two requests");
  ++closed_;
}

void Run::begin() {
  is_counting_ = true;
  next_due_ = mode_ == Mode::kRate ? Clock::now() : Clock::time_point::max();
  begin_ = Clock::time_point::max();
  bytes_before_ = moved_bytes();
  std::puts("begin");
  std::fflush(stdout);
  if (mode_ == Mode::kIdle) {
    while (getchar() != EOF) {
    }
  }
  end_ = Clock::now() + duration_;
}

void Run::send_all_free() {
  for (Client* const client : free_) client->send(Clock::now());
  free_.clear();
}

void Run::send_due() {
  for (const auto now = Clock::now(); next_due_ <= now; next_due_ += interval_) {
    if (free_.empty()) {
      overdue_.push_back(next_due_);
    } else {
      Client* const client = free_.back();
      free_.pop_back();
      client->send(next_due_);
    }
  }
}

Clock::time_point Run::next_deadline() const {
  return std::min({opening_end_, begin_, end_, next_due_});
}

void Run::run() {
  while (Clock::now() < end_) {
    open_more();
    loop_.turn(next_deadline());
    if (Clock::now() >= opening_end_) fail("only " + std::to_string(opened_) + " connections had an answer");
    if (Clock::now() >= begin_) begin();
    send_due();
  }
  is_over_ = true;
  report();
}

std::uint64_t Run::moved_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& client : clients_) bytes += client->moved_bytes();
  return bytes;
}

void Run::report() const {
  std::vector<std::uint32_t> sorted = latencies_ns_;
  std::sort(sorted.begin(), sorted.end());
  const auto percentile_us = [&sorted](std::size_t percent) {
    return sorted.empty() ? 0.0 : sorted[(sorted.size() - 1) * percent / 100] / 1000.0;
  };
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  std::printf(
      "end {\"answers\": %zu, \"seconds\": %.3f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"bytes\": %llu, "
      "\"resumed\": %llu, \"closed\": %llu, \"overdue\": %zu, \"cpu_seconds\": %.3f}\n",
      sorted.size(), static_cast<double>(duration_.count()) / 1e9, percentile_us(50), percentile_us(99),
      static_cast<unsigned long long>(moved_bytes() - bytes_before_), static_cast<unsigned long long>(resumed_),
      static_cast<unsigned long long>(closed_), overdue_.size(), cpu);
  std::fflush(stdout);
  // Nobody waits for thousands of connections to be closed one by one.
  _exit(0);
}

}  // namespace
}  // namespace viaduct::bench

int main(int count, char** arguments) {
  const viaduct::bench::Options options(count, arguments,
                                        {{"port", ""},
                                         {"mode", "requests"},
                                         {"tls", ""},
                                         {"tls-version", ""},
                                         {"resume", ""},
                                         {"name", "localhost"},
                                         {"path", "/"},
                                         {"body-bytes", ""},
                                         {"connections", "32"},
                                         {"seconds", "3"},
                                         {"warm-up", "0"},
                                         {"rate", "1000"}});
  std::signal(SIGPIPE, SIG_IGN);
  viaduct::bench::Run(options).run();
}

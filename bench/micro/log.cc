// SPDX-License-Identifier: Apache-2.0
// One line of the access log, in each of its forms.
#include <benchmark/benchmark.h>

#include <vector>

#include "observe/line_format.h"

namespace viaduct::bench {
namespace {

using namespace std::chrono_literals;

observe::AccessRecord make_record() {
  observe::AccessRecord record;
  record.time = base::WallTime(1767323045s + 678ms);
  record.request_id = "0123456789abcdef0123456789abcdef";
  record.client_ip = base::IpAddress::parse("192.0.2.7").value();
  record.client_port = 50123;
  record.site = "www.example.com";
  record.route = "api";
  record.method = "GET";
  record.host = "www.example.com";
  record.path = "/api/v1/orders";
  record.query = "page=2";
  record.version = "HTTP/1.1";
  record.tls_version = "TLSv1.3";
  record.tls_cipher = "TLS_AES_128_GCM_SHA256";
  record.status = 200;
  record.bytes_out = 1024;
  record.upstream = "app";
  record.server = "10.0.0.6:8000";
  record.attempts = 1;
  record.total = 12345us;
  record.upstream_header = 11ms;
  record.upstream_time = 12ms;
  record.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  record.referer = "https://app.example/orders";
  return record;
}

void render(benchmark::State& state, const observe::LineFormat& format) {
  const observe::AccessRecord record = make_record();
  std::vector<char> line(format.line_bytes_max());
  observe::TimeText time;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        format.render(record, {.query = observe::QueryLogging::kMasked, .time = time}, line.data()));
  }
}

void log_combined(benchmark::State& state) {
  render(state, observe::LineFormat::combined());
}
BENCHMARK(log_combined);

void log_json(benchmark::State& state) {
  render(state, observe::LineFormat::json());
}
BENCHMARK(log_json);

}  // namespace
}  // namespace viaduct::bench
